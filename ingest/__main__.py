"""``python -m ingest FOLDER …`` is ``rag-app ingest FOLDER …``."""

import sys

from rag_app.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "ingest")
    main()
