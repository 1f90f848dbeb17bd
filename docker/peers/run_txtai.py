"""txtai: Textractor with a chunker of the model's tokens, an embeddings database with content.

Without a Java service or a second model it reads text and HTML; other files are not given to it.
"""

from importlib.metadata import version

from reporting import Run
from tokenizers import Tokenizer
from txtai import Embeddings
from txtai.pipeline import Textractor

READABLE = {".txt", ".md", ".rst", ".html", ".csv"}

run = Run()
tokenizer = Tokenizer.from_file(str(run.model / "tokenizer.json"))
tokenizer.no_truncation()
tokenizer.no_padding()
textractor = Textractor(chunker="token", tokenizer=tokenizer, chunk_size=160, chunk_overlap=20, backend=None)
embeddings = Embeddings(path=str(run.model), content=True)
run.loaded()

chunks: list[tuple[str, str]] = []


def stream():
    for file in run.files:
        if file.suffix in READABLE:
            for number, text in enumerate(textractor(str(file))):
                chunks.append((str(file), text))
                yield f"{file}#{number}", text, None


embeddings.index(stream())
embeddings.save(str(run.store))
run.finish(version("txtai"), chunks)
