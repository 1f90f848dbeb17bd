"""LlamaIndex: SimpleDirectoryReader, SentenceSplitter with the model's tokens, the default vector store."""

from importlib.metadata import version

from llama_index.core import SimpleDirectoryReader, VectorStoreIndex
from llama_index.core.node_parser import SentenceSplitter
from llama_index.embeddings.huggingface import HuggingFaceEmbedding
from reporting import Run
from transformers import AutoTokenizer

run = Run()
embedding = HuggingFaceEmbedding(model_name=str(run.model))
tokenizer = AutoTokenizer.from_pretrained(run.model)
splitter = SentenceSplitter(chunk_size=160, chunk_overlap=20, tokenizer=tokenizer.tokenize)
run.loaded()

documents = SimpleDirectoryReader(str(run.folder), recursive=True).load_data()
for document in documents:
    # Else the path, dates and sizes take most of a chunk from its text.
    document.excluded_embed_metadata_keys = document.excluded_llm_metadata_keys = list(document.metadata)
index = VectorStoreIndex.from_documents(documents, transformations=[splitter], embed_model=embedding)
index.storage_context.persist(str(run.store))
nodes = index.docstore.docs.values()
run.finish(version("llama-index-core"), ((node.metadata["file_path"], node.get_content()) for node in nodes))
