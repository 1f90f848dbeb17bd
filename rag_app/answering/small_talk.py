"""Tell greetings, thanks, complaints and the like from questions: they are answered at once without a search.

A message is small talk only when all of it is: it is read as a run of known phrases, and one word that belongs to
none of them makes it a question. "Hi, how many days of leave?" is a question, of which the greeting is dropped.
A message without any word that says what it is about, such as "Who?", asks nothing unless something went before it.
"""

# Letters of other scripts look like Latin ones.
# ruff: noqa: RUF001

import re
import unicodedata
from itertools import pairwise
from typing import Literal

from rag_app.answering.conversation import is_bare_follow_up

SmallTalk = Literal["greeting", "thanks", "farewell", "about", "library", "complaint", "unclear"]

REPLIES: dict[SmallTalk, str] = {
    "greeting": "Hello! Ask a question about your documents, and I answer with the places that say so.",
    "thanks": "You are welcome. Ask on about your documents whenever you like.",
    "farewell": "Goodbye! Your documents can be asked again at any time.",
    "about": "I answer questions from your documents: every sentence is checked against them and shows where it "
    "stands, and when they do not say, I say so.",
    "library": "The Library page lists the documents that I answer from. Ask what you would like to know from them.",
    "complaint": "I am sorry that this did not help. Ask in other words, or name what you look for: I search again.",
    "unclear": "That is not enough for me to search with. Ask a whole question that names what it is about.",
}
_GREETINGS = """
hi|hi there|hello|hello there|hey|hey there|hiya|howdy|greetings|hello again|hi again|good morning|morning
good afternoon|good evening|good day|welcome back|nice to meet you|pleased to meet you|long time no see
what's up|whats up|sup|how are you|how are you doing|how are you today|how are you doing today|how is it going
how's it going|hows it going|how do you do|how have you been|hope you are well|are you there|anyone there
hallo|guten tag|guten morgen|guten abend|grüß gott|gruß gott|grüezi|servus|moin|moin moin|wie geht's|wie geht es dir
bonjour|bonsoir|salut|coucou|ça va|comment ça va|hola|buenos días|buenas tardes|buenas noches|qué tal|cómo estás
ciao|buongiorno|buonasera|salve|come stai|olá|oi|bom dia|boa tarde|boa noite|tudo bem|hej|hei|hejsan|god dag
god morgen|god morgon|god kveld|hoi|goedemorgen|goedemiddag|goedendag|goedenavond|cześć|dzień dobry|ahoj|dobrý den
szia|jó napot|bună|bună ziua|merhaba|selam|günaydın|привет|здравствуйте|здравствуй|добрый день|доброе утро
добрый вечер|привіт|добрий день|γεια|γεια σας|γεια σου|καλημέρα|你好|您好|嗨|早上好|こんにちは
おはよう|おはようございます|こんばんは|안녕|안녕하세요|مرحبا|السلام عليكم|أهلا|صباح الخير|שלום|नमस्ते
नमस्कार|namaste|xin chào|chào|สวัสดี|halo|selamat pagi|jambo|habari
"""
_THANKS = """
thanks|thank you|thank you so much|thank you very much|thanks a lot|thanks so much|thanks a million|many thanks
thanks again|thank you again|thx|ty|tysm|cheers|much appreciated|appreciated|i appreciate it|i appreciate that|no thanks
no thank you|no that's all|no that is all
ok|okay|alright|all right|great|perfect|cool|awesome|nice|wonderful|excellent|super|brilliant|lovely|got it|i see
understood|i understand|sounds good|that helps|that helps a lot|that was helpful|that is helpful|that's helpful
this was helpful|very helpful|good to know|good job|well done|good answer|great answer|nice work|makes sense
that makes sense|that is all|that's all|that's all for now|that is all for now|that's all i needed|danke|danke schön
vielen dank|danke sehr|merci|merci beaucoup|gracias|muchas gracias|grazie|grazie mille|obrigado|obrigada
muito obrigado|muito obrigada|tack|tack så mycket|takk|tusen takk|tak|mange tak|dank je|dank u|dank u wel|bedankt
dziękuję|dzięki|děkuji|köszönöm|mulțumesc|teşekkürler|teşekkür ederim|спасибо|большое спасибо|дякую|ευχαριστώ
谢谢|謝謝|多谢|ありがとう|ありがとうございます|감사합니다|고마워|شكرا|תודה|धन्यवाद|cảm ơn|ขอบคุณ|terima kasih|asante
"""
_THANKED_FOR = """
for your help|for the help|for all your help|for your time|for that|for this|for everything|for helping me
for the information|for the info|for the answer|for your answer|for explaining|for the explanation|for letting me know
"""
_FAREWELLS = """
bye|bye bye|goodbye|good bye|bye for now|see you|see you later|see you soon|see you tomorrow|see ya|take care
farewell|good night|have a nice day|have a good day|have a great day|have a nice evening|have a good evening
have a good weekend|have a nice weekend|have a good one|so long|until next time|talk to you later|ttyl|you too
tschüss|tschüs|auf wiedersehen|bis bald|bis später|au revoir|à bientôt|adieu|bonne journée|bonne soirée|adiós
hasta luego|hasta la vista|hasta mañana|arrivederci|a presto|tchau|até logo|adeus|hej då|ha det|ha det bra
farvel|vi ses|tot ziens|doei|do widzenia|на свидание|до свидания|пока|до побачення|再见|再見|拜拜|さようなら|またね
안녕히 계세요|안녕히 가세요|مع السلامة|להתראות|अलविदा|tạm biệt|ลาก่อน|sampai jumpa|kwaheri
"""
_ABOUT = """
who are you|what are you|what is your name|what's your name|whats your name|do you have a name|who made you
are you human|are you a human|are you a bot|are you a robot|are you a person|are you a machine|are you real
are you an ai|are you ai|are you an assistant|what can you do|what can you do for me|what do you do
what can i ask|what can i ask you|what should i ask|what should i ask you|what can you help with
what can you help me with|how can you help|how can you help me|how do you work
can you help me|can you help|could you help me|can you help me please|help|help me|please help|i need help
i have a question|can i ask you something|can i ask a question|may i ask a question|can i ask you a question
introduce yourself|tell me about yourself|what do you know|what are you able to do|what are your capabilities
wer bist du|was kannst du|qui es-tu|qui êtes-vous|que peux-tu faire|quién eres|qué puedes hacer|chi sei|cosa sai fare
hvem er du|hva kan du gjøre|vem är du|vad kan du göra|wie ben je|кто ты|что ты умеешь|你是谁|你能做什么
"""
_LIBRARY = """
what is this library about|what's this library about|what is the library about|what is in this library
what's in this library|what is in the library|what's in the library|what is in your library|what's in your library
what are these documents about|what are the documents about|what are your documents about|what is this collection about
list documents|list all documents|list the documents|list your documents|list all the documents|show documents
show the documents|show all documents|show your documents|show me the documents|show me your documents
show me all documents|what do your documents cover|what do the documents cover|what is in the documents
what is in your documents|what's in your documents
what topics do you cover|which topics do you cover|what topics do you know about|what topics can i ask about
"""
_HOLDINGS = tuple(
    f"{asks} {things} {held}"
    for asks in ("what", "which", "how many")
    for things in ("documents", "docs", "files", "sources", "pdfs")
    for held in (
        "do you have|do you know|have you got|have you read|did you read|are there|are in the library|can you read|"
        "are in your library|are in this library|are loaded|are available|are indexed|can i ask|can i ask about"
    ).split("|")
)
_COMPLAINTS = """
thanks for nothing|thank you for nothing|you are stupid|you're stupid|youre stupid|you are dumb|you're dumb
you are useless|you're useless|you are an idiot|you're an idiot|idiot|stupid|useless|you suck|this sucks|that sucks
you are bad|you are terrible|you are wrong|you're wrong|that is wrong|that's wrong|this is wrong|wrong|wrong answer
bad answer|bad bot|stupid bot|stupid answer|that is not true|that's not true|that is not right|that's not right
that is nonsense|that's nonsense|nonsense|bullshit|that is rubbish|what nonsense|this is nonsense
that did not help|that didn't help|that does not help|that doesn't help|this does not help|this doesn't help
not helpful|that was not helpful|that is not helpful|that's not helpful|you are not helpful|you're not helpful
you did not answer my question|you didn't answer my question|that is not what i asked|that's not what i asked
that was not my question|i hate you|shut up|fuck you|fuck off|you are annoying|you're annoying|you are no help
you don't understand|you do not understand|you don't understand me|are you stupid|are you dumb|you are lying|you lie
"""
_UNCLEAR = "yes|no|yeah|yep|yup|nope|nah|maybe|perhaps|sure|of course|hm|hmm|huh|um|lol|haha"
_ADDRESSED = frozenset(
    """there all everyone everybody team friend folks guys assistant bot robot dear again please sir madam mate
    buddy""".split()
)
"""Words that may stand beside a phrase without making the message a question."""
_FILLING = frozenset("and but so then now well oh ah today very much".split())
"""Likewise, but before a question they belong to it."""
_WORDS = re.compile(r"[^\W_]+(?:[-'][^\W_]+)*")
_ASKS = frozenset(
    "what which who whom whose where when why how do does did can could may might must will would should".split()
)
_STATES = frozenset("is are was were has have had am".split())
"""After a greeting they begin a question; after a word of thanks it may be their subject: "Cheers was set where?"."""


def _key(text: str) -> tuple[str, ...]:
    plain = unicodedata.normalize("NFKC", text).casefold().replace("’", "'").replace("`", "'")
    # Combining vowel signs of scripts such as Devanagari are no word characters to a pattern.
    kept = "".join(c if c.isalnum() or c in "'-" or unicodedata.category(c).startswith("M") else " " for c in plain)
    return tuple(word.strip("'-") for word in kept.split() if word.strip("'-"))


def _phrases() -> dict[tuple[str, ...], SmallTalk]:
    listed: tuple[tuple[SmallTalk, str], ...] = (
        ("greeting", _GREETINGS), ("thanks", _THANKS), ("farewell", _FAREWELLS), ("about", _ABOUT),
        ("library", _LIBRARY), ("library", "|".join(_HOLDINGS)), ("complaint", _COMPLAINTS), ("unclear", _UNCLEAR),
    )  # fmt: skip
    known = {_key(phrase): kind for kind, text in listed for phrase in _listed(text)}
    thanks = [phrase for phrase, kind in known.items() if kind == "thanks" and phrase[0] in {"thanks", "thank", "many"}]
    return known | {(*phrase, *_key(reason)): "thanks" for phrase in thanks for reason in _listed(_THANKED_FOR)}


def _listed(text: str) -> list[str]:
    return [phrase for line in text.split("\n") for phrase in line.split("|") if phrase]


_KNOWN = _phrases()
_LONGEST = max(map(len, _KNOWN))
_GRAVEST: tuple[SmallTalk, ...] = ("library", "about", "complaint", "farewell", "thanks", "greeting", "unclear")
_POLITE: tuple[SmallTalk, ...] = ("greeting", "thanks", "farewell")
"""What may stand before a question without being part of it: "What documents do I need?" begins with none."""
_EMPTY = frozenset(
    """a an the i you we he she it they me him her us them my your our their its his hers mine yours ours theirs this
    that these those here there who whom whose what which where when why how who's what's where's when's how's that's
    it's there's is are was were am be been being do does did done doing can could may might must will would shall
    should has have had isn't aren't wasn't weren't don't doesn't didn't can't couldn't won't wouldn't shouldn't
    for in at on with to from by about of as like than and or but so if then too also more much many any some all both
    else again just only very not no yes yeah ok okay please well now really sure it'll i'm you're they're we're
    tell say thing things something anything nothing someone anyone""".split()
)
"""Words that name nothing."""
_ALSO_NOUNS = frozenset("can may might must will do has have am is are it us who like well no".split())
_NOUN_MARKS = frozenset("a an the my your our this that".split())


def small_talk(message: str, *, follows: bool = True) -> SmallTalk | None:
    """Return what kind of small talk a message is, or None if any of it may be a question.

    Args:
        message: as written.
        follows: whether anything was asked before; if not, a message that names nothing, such as "Why?", is unclear.
    """
    if kind := _known_talk(message):
        return kind
    return "unclear" if not follows and message.strip() and _names_nothing(message) else None


def _names_nothing(message: str) -> bool:
    """Tell whether no word of a message says what it is about; signs such as "&" and capitals as in "IT" do."""
    if any(c in "#%&*/@\\_" or unicodedata.category(c) in {"Sc", "Sm", "Sk"} for c in message):
        return False
    if is_bare_follow_up(message):
        return True
    written, keys = [w.group() for w in _WORDS.finditer(message)], _key(message)
    if not set(keys) <= _EMPTY:
        return False
    shouted = message.upper() == message
    names = any(
        w[:1].isupper() and w != "I" and (place > 0 or (len(w) > 1 and w.isupper())) and not shouted
        for place, w in enumerate(written)
    )
    # "What is a will?" asks for a thing that is called as a verb is.
    return not names and not any(a in _NOUN_MARKS and b in _ALSO_NOUNS - {"is", "are"} for a, b in pairwise(keys))


def _known_talk(message: str) -> SmallTalk | None:
    words, kinds, place = _key(message), set[SmallTalk](), 0
    while place < len(words):
        length, kind = _phrase_at(words, place)
        if kind:
            kinds.add(kind)
        elif words[place] in _ADDRESSED | _FILLING:
            length = 1
        else:
            return None
        place += length
    return next((kind for kind in _GRAVEST if kind in kinds), None)


def without_greeting(message: str) -> str:
    """Return a question without the greeting or thanks before it, as in "Hi, how many days of leave?"."""
    words = list(_WORDS.finditer(message))
    keys = tuple(word.group().casefold().replace("’", "'") for word in words)
    place = start = 0
    while place < len(words):
        length, kind = _phrase_at(keys, place)
        if kind not in _POLITE:
            if place == 0 or keys[place] not in _ADDRESSED:
                break
            length = 1
        place += length
        if place < len(words):
            between = message[words[place - 1].end() : words[place].start()]
            asks = keys[place] in _ASKS or (keys[place] in _STATES and kind == "greeting")
            if any(mark in between for mark in ",.!:;\n–—") or asks:
                start = words[place].start()
    return message[start:] if start and place < len(words) else message


def _phrase_at(words: tuple[str, ...], place: int) -> tuple[int, SmallTalk | None]:
    """Return the longest known phrase that begins at a place: its length in words and its kind."""
    for length in range(min(_LONGEST, len(words) - place), 0, -1):
        if kind := _KNOWN.get(words[place : place + length]):
            return length, kind
    return 0, None
