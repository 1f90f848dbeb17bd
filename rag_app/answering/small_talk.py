"""Tell greetings, thanks and farewells from questions: they are answered at once, and nothing is searched for.

A message is small talk only when all of it is: it is read as a run of known phrases, and one word that belongs to
none of them makes it a question. "Hi, how many days of leave?" is a question, of which the greeting is dropped.
"""

# Letters of other scripts look like Latin ones.
# ruff: noqa: RUF001

import re
import unicodedata
from typing import Literal

SmallTalk = Literal["greeting", "thanks", "farewell", "about"]

REPLIES: dict[SmallTalk, str] = {
    "greeting": "Hello! Ask a question about your documents, and I answer with the places that say so.",
    "thanks": "You are welcome. Ask on about your documents whenever you like.",
    "farewell": "Goodbye! Your documents can be asked again at any time.",
    "about": "I answer questions from your documents: every sentence is checked against them and shows where it "
    "stands, and when they do not say, I say so.",
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
        ("greeting", _GREETINGS), ("thanks", _THANKS), ("farewell", _FAREWELLS), ("about", _ABOUT)
    )  # fmt: skip
    known = {_key(phrase): kind for kind, text in listed for phrase in _listed(text)}
    thanks = [phrase for phrase, kind in known.items() if kind == "thanks" and phrase[0] in {"thanks", "thank", "many"}]
    return known | {(*phrase, *_key(reason)): "thanks" for phrase in thanks for reason in _listed(_THANKED_FOR)}


def _listed(text: str) -> list[str]:
    return [phrase for line in text.split("\n") for phrase in line.split("|") if phrase]


_KNOWN = _phrases()
_LONGEST = max(map(len, _KNOWN))
_GRAVEST: tuple[SmallTalk, ...] = ("about", "farewell", "thanks", "greeting")


def small_talk(message: str) -> SmallTalk | None:
    """Return what kind of small talk a message is, or None if any of it may be a question."""
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
        if not kind or kind == "about":
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
