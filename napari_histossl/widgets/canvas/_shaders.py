"""Programs of the atlas: RGB, values or labels; as simple as what is drawn allows.

Where the graphics card is the processor, every operation on a pixel counts: what most
pictures do not need is left out of the program, not switched off in it.
"""

from __future__ import annotations

from vispy.visuals.shaders import Function

from napari_histossl.slide.tiles import TileKind

# Two attributes, as napari's pictures have: vispy leaves an attribute enabled after a
# draw, and a program with fewer of them would read from a buffer that is gone.
VERTEX_SHADER = """
uniform vec2 u_atlas_px;
attribute vec4 a_place;
attribute vec4 a_limits;
varying vec2 v_texel;
varying vec4 v_limits;
varying float v_unreadable;

void main() {
    v_texel = a_place.zw / u_atlas_px;
    v_limits = abs(a_limits) / u_atlas_px.xyxy;
    v_unreadable = a_limits.x < 0.0 ? 1.0 : 0.0;
    gl_Position = $transform(vec4(a_place.xy, 0.0, 1.0));
}
"""

FRAGMENT_SHADER = """
uniform sampler2D u_atlas;
varying vec2 v_texel;
varying vec4 v_limits;

void main() {
    // clamped, not inset: an inset would scale the tile
    vec2 texel = clamp(v_texel, v_limits.xy, v_limits.zw);
    gl_FragColor = $finish($to_colour(texture2D(u_atlas, texel)));
}
"""

_AS_IT_IS = """
vec4 as_it_is(vec4 texel) {
    return texel;
}
"""

_HATCHED = """
varying float v_unreadable;

vec4 hatched(vec4 colour) {
    if (v_unreadable < 0.5) return colour;
    float stripe = mod(gl_FragCoord.x + gl_FragCoord.y, 16.0);
    return stripe < 5.0 ? vec4(0.45, 0.0, 0.35, 1.0)
                        : vec4(mix(colour.rgb, vec3(0.6), 0.6), 1.0);
}
"""

_IMAGE = """
uniform vec2 u_limits;
uniform float u_gamma;

vec4 image_colour(vec4 texel) {
    vec3 rgb = (texel.rgb - u_limits.x) / (u_limits.y - u_limits.x);
    return vec4(pow(clamp(rgb, 0.0, 1.0), vec3(u_gamma)), 1.0);
}
"""

_VALUES = """
uniform vec2 u_limits;
uniform float u_gamma;
uniform sampler2D u_colours;
uniform float u_colours_px;
uniform vec4 u_no_number;
uniform vec4 u_below;
uniform vec4 u_above;

vec4 value_colour(vec4 texel) {
    float value = texel.r;
    if (!(value <= 0.0 || 0.0 <= value)) return u_no_number;
    if (value < u_limits.x) return u_below;
    if (value > u_limits.y) return u_above;
    float share = (value - u_limits.x) / (u_limits.y - u_limits.x);
    share = pow(clamp(share, 0.0, 1.0), u_gamma);
    float at = (share * (u_colours_px - 1.0) + 0.5) / u_colours_px;
    return texture2D(u_colours, vec2(at, 0.5));
}
"""

_LABELS = """
uniform sampler2D u_colours;
uniform float u_colours_px;

vec4 label_colour(vec4 texel) {
    float at = (floor(texel.r * 255.0 + 0.5) + 0.5) / u_colours_px;
    return texture2D(u_colours, vec2(at, 0.5));
}
"""


def colour_function(kind: TileKind, *, as_it_is: bool) -> Function:
    """Return what makes a colour of a texel.

    Parameters
    ----------
    kind : {"image", "values", "labels"}
        What the texels are.
    as_it_is : bool
        Whether limits and gamma change nothing; counts for images only.
    """
    if kind == "image" and as_it_is:
        return Function(_AS_IT_IS)
    return Function({"image": _IMAGE, "values": _VALUES, "labels": _LABELS}[kind])


def finish_function(*, is_hatched: bool) -> Function:
    """Return what is done to every colour: nothing, or stripes where unreadable."""
    return Function(_HATCHED if is_hatched else _AS_IT_IS)
