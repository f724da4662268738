"""Programs of the atlas: one for RGB, one for values, one for labels."""

from __future__ import annotations

from napari_histossl.slide.tiles import TileKind

# Two attributes, as napari's pictures have: vispy leaves an attribute enabled after a
# draw, and a program with fewer of them would read from a buffer that is gone.
VERTEX_SHADER = """
attribute vec4 a_place;
attribute vec4 a_limits;
varying vec2 v_texel;
varying vec4 v_limits;

void main() {
    v_texel = a_place.zw;
    v_limits = a_limits;
    gl_Position = $transform(vec4(a_place.xy, 0.0, 1.0));
}
"""

_FRAGMENT_SHADER = """
uniform sampler2D u_atlas;
uniform vec2 u_atlas_px;
uniform vec2 u_limits;
uniform float u_gamma;
varying vec2 v_texel;
varying vec4 v_limits;

TO_COLOUR

void main() {
    // clamped, not inset: an inset would scale the tile
    vec4 limits = abs(v_limits);
    vec2 texel = clamp(v_texel, limits.xy, limits.zw);
    vec4 colour = to_colour(texture2D(u_atlas, texel / u_atlas_px));
    if (v_limits.x < 0.0) {
        float stripe = mod(gl_FragCoord.x + gl_FragCoord.y, 16.0);
        colour = stripe < 5.0 ? vec4(0.45, 0.0, 0.35, 1.0)
                              : vec4(mix(colour.rgb, vec3(0.6), 0.6), 1.0);
    }
    gl_FragColor = colour;
}
"""

_IMAGE = """
vec4 to_colour(vec4 texel) {
    vec3 rgb = (texel.rgb - u_limits.x) / (u_limits.y - u_limits.x);
    return vec4(pow(clamp(rgb, 0.0, 1.0), vec3(u_gamma)), 1.0);
}
"""

_VALUES = """
uniform sampler2D u_colours;
uniform float u_colours_px;
uniform vec4 u_no_number;
uniform vec4 u_below;
uniform vec4 u_above;

vec4 to_colour(vec4 texel) {
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

vec4 to_colour(vec4 texel) {
    float at = (floor(texel.r * 255.0 + 0.5) + 0.5) / u_colours_px;
    return texture2D(u_colours, vec2(at, 0.5));
}
"""


def fragment_shader(kind: TileKind) -> str:
    """Return the fragment shader for RGB, values or labels."""
    code = {"image": _IMAGE, "values": _VALUES, "labels": _LABELS}[kind]
    return _FRAGMENT_SHADER.replace("TO_COLOUR", code)
