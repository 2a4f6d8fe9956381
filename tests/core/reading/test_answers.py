"""Automatic answers, questions of filters and requests to unsubscribe, in the languages in which they come."""

import base64

import pytest

from bounced.core.reading.report import parse
from bounced.core.terms import Kind


def mail(subject: str, words: str = "", fields: str = "", author: str = "Alice <alice@example.org>") -> bytes:
    """Return a message; a subject beyond ASCII in an encoded word."""
    encoded = subject if subject.isascii() else f"=?utf-8?B?{base64.b64encode(subject.encode()).decode()}?="
    head = f"From: {author}\nTo: news@sender.example\nSubject: {encoded}\n{fields}"
    return f"{head}Content-Type: text/plain; charset=utf-8\n\n{words}".encode()


@pytest.mark.parametrize(
    "word",
    [
        *(
            "Automatic reply",
            "Automatische Antwort",
            "Réponse automatique ",
            "Respuesta automática",
            "Resposta automática",
        ),
        *(
            "Risposta automatica",
            "Automatisch antwoord",
            "Automatiskt svar",
            "Automatisk svar",
            "Automaattinen vastaus",
        ),
        *(
            "Automatická odpověď",
            "Automatická odpoveď",
            "Odpowiedź automatyczna",
            "Automatikus válasz",
            "Răspuns automat",
        ),
        *(
            "Автоматический ответ",
            "Автоматична відповідь",
            "Автоматичен отговор",
            "ΑΥΤΟΜΑΤΗ ΑΠΑΝΤΗΣΗ",
            "OTOMATİK YANIT",
        ),
        *("Automatski odgovor", "Samodejni odgovor", "Automaatvastus", "Automātiskā atbilde", "Automatinis atsakymas"),
        *(
            "自動応答",
            "自动答复",
            "自動回覆",
            "자동 회신",
            "رد تلقائي",
            "תשובה אוטומטית",
            "स्वचालित उत्तर",
            "ตอบกลับอัตโนมัติ",
        ),
        *(
            "Trả lời tự động",
            "Balasan otomatis",
            "Out of Office",
            "Abwesenheitsnotiz",
            "Frånvaro",
            "Fuori sede",
            "Auto",
        ),
    ],
)
def test_the_default_subjects_of_mail_programs_are_known_in_many_languages(word: str) -> None:
    """Where no field says what it is."""
    assert parse(mail(f"{word}: November news", "Until Tuesday.")).kind is Kind.AUTO_REPLY
    assert parse(mail(f"Re: {word}: November news", "Until Tuesday?")).kind is Kind.OTHER


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        ("AUTO: Alice Example is out of the office (returning 1 May)", "The house is empty."),
        (
            "Mail returned: I have left",
            "This mailbox is no longer monitored. Your mail could not be delivered. Write to bob@example.org.",
        ),
        ("Frau Beispiel ist nicht mehr im Unternehmen", "Bitte wenden Sie sich an bob@example.org."),
        ("Ya no trabajo aquí", "Escriba a bob@example.org."),
        ("退職のお知らせ", "bob@example.org"),
        ("Re: November news", "I no longer work for Example Corp. Please contact bob@example.org."),
        ("Undeliverable: I retired", "I retired at the end of June. Mail to this address is not delivered to anybody."),
        ("Re: November news", "Ich arbeite nicht mehr bei der Example GmbH. Bitte schreiben Sie an bob@example.org."),
        ("mail returned", "This account has been closed since I changed jobs. Find me at bob@example.net."),
    ],
)
@pytest.mark.parametrize("path", ["", None, "alice@example.org"])
def test_the_note_of_somebody_who_left_is_an_automatic_answer(subject: str, words: str, path: str | None) -> None:
    """Whom it names is a contact, not a recipient that failed."""
    found = parse(mail(subject, words), reverse_path=path)
    assert found.kind is Kind.AUTO_REPLY
    assert [fields.address for fields in found.recipients] == ["alice@example.org"]


@pytest.mark.parametrize(
    ("subject", "kind"),
    [
        ("Urlaub bis 14. Mai", Kind.AUTO_REPLY),
        ("В отпуске до понедельника", Kind.AUTO_REPLY),
        ("휴가", Kind.AUTO_REPLY),
        ("休暇中", Kind.AUTO_REPLY),
        ("Away until Monday", Kind.AUTO_REPLY),
        ("Alice Example ist außer Haus.", Kind.AUTO_REPLY),
        ("Alice Example está ausente de la oficina", Kind.AUTO_REPLY),
        ("Alice Example er ikke på kontoret", Kind.AUTO_REPLY),
        ("Urlaubsfotos", Kind.OTHER),
        ("Vacation rental offer", Kind.OTHER),
        ("Loma-arvonta", Kind.OTHER),
        ("Absence of colour", Kind.OTHER),
    ],
)
def test_a_word_for_absence_is_an_answer_alone_or_before_a_time(subject: str, kind: Kind) -> None:
    """Within other words it may be anybody's."""
    assert parse(mail(subject, "See you.")).kind is kind


@pytest.mark.parametrize(
    ("author", "fields"),
    [
        ("alice@example.org", "Auto-Submitted: auto-replied\n"),
        ("postmaster@example.org", "Auto-Submitted: auto-replied\nX-Autoreply: yes\n"),
    ],
)
@pytest.mark.parametrize("path", ["", None])
def test_an_answer_called_undeliverable_is_an_answer(author: str, fields: str, path: str | None) -> None:
    """No mail system wrote it: programs of people mark their answers with fields that mail systems do not write."""
    words = "The mailbox alice@example.org has been closed. New address: bob@example.org\n"
    assert (
        parse(mail("Undeliverable: mailbox closed", words, fields, author), reverse_path=path).kind is Kind.AUTO_REPLY
    )


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        ("Ihre Nachricht wartet auf Bestätigung: News", "Bitte bestätigen Sie, dass Sie kein Programm sind."),
        ("Confirme su mensaje: News", "Confirme aquí."),
        ("Votre email est en attente", "Mon filtre."),
        ("Votre message à alice@example.org est en attente", "Mon filtre."),
        ("MailInBlack : authentification requise", "Veuillez vous authentifier."),
        ("请确认您的邮件", "请点击"),
    ],
)
def test_a_question_of_a_filter_is_one_in_many_languages(subject: str, words: str) -> None:
    """It asks whether a human wrote."""
    assert parse(mail(subject, words)).kind is Kind.CHALLENGE


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        ("Out of Office: News", "I am in hospital until May, call 555-0142."),
        ("Please confirm your message", "I am in hospital until May, call 555-0142."),
        ("unsubscribe", "I am in hospital until May, call 555-0142."),
        ("Hello", "I am in hospital until May, call 555-0142."),
    ],
)
def test_a_report_holds_no_word_of_what_people_wrote(subject: str, words: str) -> None:
    """Health and telephone numbers stand there."""
    assert "hospital" not in repr(parse(mail(subject, words)))


APPLE = "Apple Mail sent this email to unsubscribe from the message “News”."


@pytest.mark.parametrize(
    ("subject", "words", "fields"),
    [
        ("unsubscribe", APPLE, "Auto-Submitted: auto-replied\nX-Apple-Unsubscribe: true\n"),
        ("k3j2h4", "This message was automatically generated by Gmail.\n", ""),
        ("unsubscribe", "", "Auto-Submitted: auto-generated\n"),
        ("unsubscribe 4711", "", ""),
        ("Please unsubscribe me from this list", "", ""),
        ("STOP", "", ""),
        ("Re: November news", "Stop\n\n> Ten per cent off\n", ""),
        ("Re: November news", "Unsubscribe\n\n-- \nAlice\n", ""),
        (
            "Re: November news",
            "Bitte abmelden.\n\nVon meinem iPhone gesendet\nAm 1. Mai schrieb Example:\n> News\n",
            "",
        ),
        *(
            (word, "", "")
            for word in ("Abmelden", "Newsletter abbestellen", "Désabonner", "Désinscription", "Darse de baja")
        ),
        *(
            (word, "", "")
            for word in ("Cancelar suscripción", "Cancelar inscrição", "Descadastrar", "Cancellami", "Afmelden")
        ),
        *(
            (word, "", "")
            for word in ("Uitschrijven", "Avregistrera", "Afmeld", "Peruuta tilaus", "Wypisz", "Odhlásit odběr")
        ),
        *((word, "", "") for word in ("Отписаться", "Abonelikten çık", "配信停止", "退订", "수신거부", "Dezabonare")),
    ],
)
@pytest.mark.parametrize("path", ["", None, "alice@example.org"])
def test_a_request_to_leave_is_one_in_many_languages(subject: str, words: str, fields: str, path: str | None) -> None:
    """Written by a person, or sent by a mail program, whatever it says of being automatic."""
    found = parse(mail(subject, words, fields), reverse_path=path)
    assert (found.kind, found.fields.get("request")) == (Kind.SUBSCRIPTION, "unsubscribe")


@pytest.mark.parametrize(
    ("subject", "words", "fields"),
    [
        ("Ten per cent off everything", "Unsubscribe | Privacy\nTen per cent off everything this week.\n", ""),
        ("Unsubscribe rates: what the best lists do", "Read how five shops did it.\n", ""),
        ("Opt out of winter: flights from 49", "The best beaches.\n", ""),
        ("Abmelden, abschalten, ausruhen", "Abmelden | Datenschutz\n", ""),
        ("Remove stains for good", "Remove me from the drawer and no stain is safe.\n", ""),
        ("Stop", "Stop by for coffee when you are in town.\n", ""),
        ("Unsubscribe", "Our best offers.\n", "List-Id: <deals.shop.example>\n"),
        ("Re: November news", "How do I unsubscribe my mother? She is ill.\n", ""),
    ],
)
def test_words_of_a_request_among_others_are_none(subject: str, words: str, fields: str) -> None:
    """Newsletters begin with them, and people talk about them."""
    assert parse(mail(subject, words, fields)).kind is Kind.OTHER
