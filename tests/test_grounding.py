"""A sentence is borne by an exact span, or by nothing."""

from rag_app.answering.grounding import Grounder, cut_windows, quote_around
from tests.fakes import WordEvidence, make_passages

LEAVE = "Employees have 25 days of annual leave. Up to 10 days may be carried over. Dogs are not allowed."


def ground(sentence: str, question: str = "How many days may be carried over?") -> str | None:
    window = Grounder(WordEvidence(), question, make_passages("Nothing of use.", LEAVE)).find_support(sentence)
    return window.text if window else None


def test_a_supported_sentence_gets_the_shortest_span_that_bears_it() -> None:
    assert ground("Up to ten days may be carried over.") == "Up to 10 days may be carried over."


def test_a_sentence_that_joins_two_facts_gets_both_sentences() -> None:
    expected = "Employees have 25 days of annual leave. Up to 10 days may be carried over."
    assert ground("Employees have 25 days of annual leave, and up to 10 days may be carried over.") == expected


def test_a_changed_number_is_not_supported() -> None:
    assert ground("Up to 12 days may be carried over.") is None


def test_a_dropped_negation_is_not_supported() -> None:
    assert ground("Dogs are allowed.") is None


def test_an_invented_name_is_not_supported() -> None:
    assert ground("Up to 10 days may be carried over by Ingrid.") is None


def test_a_word_of_the_question_that_the_evidence_lacks_is_not_supported() -> None:
    text = "First written warning: 6 months\nSick notes: 3 years"
    question = "How long does a final written warning stay on file?"
    grounder = Grounder(WordEvidence(), question, make_passages(text))
    assert grounder.find_support("The final written warning stays for 6 months.") is None
    assert grounder.find_support("The first written warning: 6 months.") is not None


def test_a_measure_is_not_borne_by_the_number_of_a_heading() -> None:
    passages = make_passages("Employees have 5 days of annual leave.", title="3 Annual leave")
    grounder = Grounder(WordEvidence(), "How many days of annual leave do employees have?", passages)
    assert grounder.find_support("Employees have 5 days of annual leave.")
    assert grounder.find_support("Employees have 3 days of annual leave.") is None


def test_two_sentences_do_not_lend_each_other_their_names() -> None:
    passages = make_passages("Anna Berg is the head of legal. Olav Dahl is the head of finance.")
    grounder = Grounder(WordEvidence(), "Who is the head of finance?", passages)
    assert grounder.find_support("Olav Dahl is the head of finance.")
    assert grounder.find_support("Anna Berg is the head of finance.") is None


def test_two_rows_do_not_lend_each_other_their_numbers() -> None:
    rows = make_passages("Country: Norway; Per diem: 54 EUR; Hotel: 190 EUR\nCountry: Sweden; Per diem: 50 EUR")
    grounder = Grounder(WordEvidence(), "What is the per diem for Norway?", rows)
    assert grounder.find_support("The per diem for Norway is 54 EUR.")
    assert grounder.find_support("The per diem for Norway is 50 EUR.") is None
    assert grounder.find_support("The per diem for Norway is 190 EUR.") is None


def test_the_opposite_of_a_bound_is_not_supported() -> None:
    passages = make_passages("Claims must be handed in before 5 March.")
    grounder = Grounder(WordEvidence(), "When must claims be handed in?", passages)
    assert grounder.find_support("Claims must be handed in before 5 March.")
    assert grounder.find_support("Claims must be handed in after 5 March.") is None


def test_a_sentence_of_empty_words_is_not_supported() -> None:
    assert ground("It is what it is.") is None


def test_windows_count_characters_of_the_document() -> None:
    passages = make_passages("First passage here.", LEAVE)
    whole = "First passage here." + "\n\n" + LEAVE
    for window in cut_windows(passages[1]):
        assert whole[window.start : window.end] == window.text


def test_a_quote_is_the_whole_sentence_around_the_answer() -> None:
    passage = make_passages(LEAVE)[0]
    low = LEAVE.index("10 days")
    assert quote_around(passage, (low, low + 7)).text == "Up to 10 days may be carried over."


def test_a_sentence_that_announces_a_list_is_quoted_with_the_list() -> None:
    text = "Intro.\nBring the following:\n- a passport\n- a visa"
    low = text.index("following")
    assert quote_around(make_passages(text)[0], (low, low + 9)).text == "Bring the following:\n- a passport\n- a visa"
