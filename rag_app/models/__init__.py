"""What is pretrained: where weights come from, how they are checked, loaded and run."""

import os

# Read by huggingface_hub when it is imported, so it is set before anything below can import that.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
