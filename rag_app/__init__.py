"""Ask your own documents: cited, checked answers from pretrained models that run on this machine."""

import os

# Both are read once, when torch and huggingface_hub are imported, so they are set before anything can import those.
# OpenMP's threads spin while they wait for each other. As soon as another program wants a core, or a container is
# given less than whole cores, that makes two threads ten times slower than one; threads that sleep cost nothing.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
