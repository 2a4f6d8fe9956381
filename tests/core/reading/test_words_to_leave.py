"""Words in mail to an ordinary return path: a request to leave is one where its author wrote nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounced.core.reading.report import parse
from bounced.core.terms import Kind

WORDS = {
    "en": ("stop", "unsubscribe", "Please unsubscribe me", "cancel", "remove me from your list", "no more emails"),
    "de": ("Abmelden", "Bitte abmelden", "abbestellen", "Keine E-Mails mehr bitte", "stopp"),
    "fr": ("désabonner", "Me désinscrire", "désinscription", "arrêter", "Ne m'envoyez plus de mails"),
    "es": ("baja", "cancelar", "darme de baja", "cancelar suscripción", "no más correos"),
    "pt": ("cancelar", "descadastrar", "parar", "cancelar inscrição", "não quero receber mais e-mails"),
    "it": ("disiscrivimi", "cancellami", "annulla iscrizione", "basta", "disiscrizione"),
    "nl": ("afmelden", "uitschrijven", "Graag afmelden", "geen mails meer"),
    "sv": ("avregistrera", "avregistrera mig", "sluta"),
    "da": ("afmeld", "frameld", "stop"),
    "no": ("meld meg av", "avmelding", "slutt"),
    "fi": ("peruuta tilaus", "poista listalta", "lopeta"),
    "pl": ("wypisz", "wypisz mnie", "rezygnuję", "rezygnacja"),
    "cs": ("odhlásit", "odhlásit odběr", "zrušit"),
    "hu": ("leiratkozás", "leiratkozom"),
    "ro": ("dezabonare", "dezabonează-mă", "oprire"),
    "ru": ("отписаться", "отпишите меня", "стоп", "отписка"),
    "uk": ("відписатися", "відписка"),
    "tr": ("abonelikten çık", "iptal"),
    "el": ("διαγραφή", "διακοπή"),
    "id": ("berhenti langganan", "berhenti"),
    "ja": ("配信停止", "停止", "解除"),
    "zh": ("退订", "取消订阅", "停止"),
    "ko": ("수신거부", "구독취소", "중지"),
    "ar": ("إلغاء الاشتراك", "توقف"),
    "he": ("הסר אותי", "הפסק"),
}
ALL_WORDS = sorted({word for words in WORDS.values() for word in words})
REPLIES = (
    "Re: November news",
    "AW: November news",
    "SV: news",
    "RE: Your offers",
    "Antw: news",
    "Odp: news",
    "回复: news",
)
FOOTERS = (
    "",
    "\n\n-- \nAlice Wonder\nWonder Ltd, 1 High Street\n",
    "\n\nSent from my iPhone\n",
    "\n\nVon meinem iPhone gesendet\n",
    "\n\nEnvoyé de mon iPhone\n",
    "\n\nEnviado desde mi iPhone\n",
    "\n\n发自我的iPhone\n",
    "\n\nGet Outlook for iOS\n",
    "\n\nBest regards,\nAlice Wonder\nHead of Tea\n",
    "\n\nMit freundlichen Grüßen\nAlice Wonder\n",
)
QUOTED = (
    "",
    "\n\nOn Sat, 21 Nov 2026 at 09:00, The Shop <news@shop.example> wrote:\n> Ten per cent off.\n> Do not miss it.\n",
    "\n\nAm 21.11.2026 um 09:00 schrieb The Shop <news@shop.example>:\n> Zehn Prozent.\n",
    "\n\nsob., 21 lis 2026 o 09:00 The Shop <news@shop.example> pisze:\n\n> Dziesięć procent.\n",
    "\n\n-----Original Message-----\nFrom: The Shop\nTen per cent off.\n",
    "\n\nFrom: The Shop <news@shop.example>\nSent: Saturday\nSubject: November news\n\nTen per cent off.\n",
    "\n\nVon: The Shop <news@shop.example>\nGesendet: Samstag\n\nZehn Prozent.\n",
)
LETTERS = (
    "Please don't stop sending me your wonderful letters.",
    "Please do not unsubscribe me, I only changed my address.",
    "stop sending them to the office, send them to my home instead",
    "Stop! I did not mean to unsubscribe.",
    "I cannot find the unsubscribe button, where is it? By the way: great offers.",
    "Bitte nicht abmelden!",
    "Ich möchte mich nicht abmelden, nur die Adresse ändern.",
    "Ne me désabonnez pas s'il vous plaît, je veux continuer.",
    "No quiero darme de baja, gracias.",
    "Non disiscrivimi, per favore.",
    "Niet afmelden alstublieft.",
    "Não cancelar a minha inscrição.",
    "cancel the order 4711 and send me the blue one",
    "Unsubscribe Bob, but not me.",
    "Why did you stop? I liked the news.",
    "Stop by when you are in town.",
    "Пожалуйста, не отписывайте меня!",
)


def mail(subject, text, fields=""):
    """Return a person's mail."""
    head = f"From: Alice <alice@example.org>\nMessage-ID: <1@example.org>\nSubject: {subject}\n{fields}"
    return f"{head}Content-Type: text/plain; charset=utf-8\n\n{text}\n".encode()


def asks_to_leave(subject, text, fields=""):
    """Tell whether such a mail is read as a request to leave."""
    found = parse(mail(subject, text, fields), reverse_path="alice@example.org")
    return found.kind is Kind.SUBSCRIPTION and found.fields.get("request") == "unsubscribe"


@pytest.mark.parametrize("word", ALL_WORDS)
def test_a_word_alone_is_a_request(word):
    """As the subject, as the text of a reply, or as both; in 25 languages."""
    assert asks_to_leave(word, "")
    assert asks_to_leave("Re: November news", word)
    assert asks_to_leave(word, word)
    assert asks_to_leave("", f"{word}!")
    assert asks_to_leave("November news", word, "In-Reply-To: <news@shop.example>\n")


@given(
    word=st.sampled_from(ALL_WORDS),
    greeting=st.sampled_from(["", "Hello,\n\n", "Hallo\n", "Bonjour,\n", "Guten Tag,\n", "Hola, "]),
    subject=st.sampled_from(REPLIES),
    footer=st.sampled_from(FOOTERS),
    quoted=st.sampled_from(QUOTED),
)
def test_what_a_mail_program_adds_is_not_what_the_person_wrote(word, greeting, subject, footer, quoted):
    """A greeting, a close, a signature, a telephone's footer and the original below leave the request what it is."""
    assert asks_to_leave(subject, f"{greeting}{word}{footer}{quoted}")


@given(
    letter=st.sampled_from(LETTERS),
    subject=st.sampled_from([*REPLIES, "", "unsubscribe", "stop", "Abmelden", "cancelar"]),
    footer=st.sampled_from(FOOTERS),
    quoted=st.sampled_from(QUOTED),
)
def test_a_letter_with_the_words_in_it_is_no_request(letter, subject, footer, quoted):
    """Not even where the subject is one."""
    assert not asks_to_leave(subject, f"{letter}{footer}{quoted}")


@given(
    word=st.sampled_from(ALL_WORDS),
    before=st.sampled_from(["", "I am away until Monday. ", "Who are you? "]),
    after=st.sampled_from(
        [" Just kidding, I love your news.", " the order 4711, not the news", "? What for?", ", no!"]
    ),
    subject=st.sampled_from([*REPLIES, "stop"]),
)
def test_a_request_and_something_else_is_none(word, before, after, subject):
    """Nobody knows what the rest means."""
    assert not asks_to_leave(subject, f"{before}{word}{after}")


@pytest.mark.parametrize(
    "fields",
    [
        "Auto-Submitted: auto-replied\n",
        "Auto-Submitted: auto-replied (vacation)\n",
        "X-Autoreply: yes\n",
        "X-Autorespond: news\n",
        "Precedence: auto_reply\n",
    ],
)
@pytest.mark.parametrize(("subject", "text"), [("Re: November news", "stop"), ("unsubscribe", ""), ("", "Abmelden")])
def test_an_automatic_answer_is_no_request(subject, text, fields):
    """Whatever its words."""
    assert not asks_to_leave(subject, text, fields)


@pytest.mark.parametrize("subject", ["Meeting on Monday", "My order 4711", "Invitation"])
def test_a_word_under_a_subject_of_its_own_is_no_request(subject):
    """The person wrote about something else: "cancel" is about the meeting."""
    assert not asks_to_leave(subject, "cancel")


def test_words_that_are_only_quoted_are_no_request():
    """Every newsletter has them in its footer."""
    assert not asks_to_leave("Re: November news", "Thank you!\n\n> To unsubscribe, write\n> stop\n")
    assert not asks_to_leave("Re: November news", "> stop\n> unsubscribe\n")
