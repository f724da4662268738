from .attention import AttentionChoice as AttentionChoice
from .attention import SlideFacts as SlideFacts
from .attention import gather as gather
from .attention import resolve as resolve
from .attention import sample_weights as sample_weights
