"""LangChain with FAISS: a loader for each suffix, the recursive splitter that counts the model's tokens."""

import sys
from importlib.metadata import version

from langchain_community.document_loaders import BSHTMLLoader, CSVLoader, Docx2txtLoader, PyPDFLoader, TextLoader
from langchain_community.vectorstores import FAISS
from langchain_huggingface import HuggingFaceEmbeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter
from reporting import Run
from transformers import AutoTokenizer

LOADERS = {".pdf": PyPDFLoader, ".docx": Docx2txtLoader, ".html": BSHTMLLoader, ".csv": CSVLoader}

run = Run()
embeddings = HuggingFaceEmbeddings(model_name=str(run.model))
splitter = RecursiveCharacterTextSplitter.from_huggingface_tokenizer(
    AutoTokenizer.from_pretrained(run.model), chunk_size=160, chunk_overlap=20
)
run.loaded()

documents = []
for file in run.files:
    loader = LOADERS.get(file.suffix, TextLoader)
    options = {} if loader is PyPDFLoader or loader is Docx2txtLoader else {"encoding": "utf-8"}
    if loader is BSHTMLLoader:
        options = {"open_encoding": "utf-8"}
    try:
        documents += loader(str(file), **options).load()
    except Exception as error:
        sys.stderr.write(f"{file.name}: {error}\n")
chunks = splitter.split_documents(documents)
FAISS.from_documents(chunks, embeddings).save_local(str(run.store))
run.finish(version("langchain-core"), ((chunk.metadata["source"], chunk.page_content) for chunk in chunks))
