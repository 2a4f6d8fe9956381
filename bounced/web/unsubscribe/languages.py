"""What the pages say, in a dozen languages, and which of them a browser asks for.  (RFC 9110 section 12.5.4)"""

# ruff: noqa: RUF001 - letters of other languages look like ours

from typing import NamedTuple

MAX_RANGES = 20
"""Of one Accept-Language that are looked at."""
MAX_QUALITY_CHARACTERS = len("0.123")


class Words(NamedTuple):
    """The sentences of one language.  ``tag`` is its name.  (RFC 5646)"""

    tag: str
    title: str
    ask: str
    button: str
    done: str
    later: str

    @property
    def direction(self) -> str:
        """In which direction it is read."""
        return "rtl" if self.tag == "ar" else "ltr"


ENGLISH = Words(
    "en",
    "Unsubscribe",
    "Do you want to stop receiving these emails?",
    "Unsubscribe",
    "We have received your request. If your link is valid, you will get no more of these emails.",
    "This did not work just now. You are not unsubscribed yet. Please try again in a few minutes.",
)
_OTHERS = (
    Words(
        "de",
        "Abbestellen",
        "Möchten Sie diese E-Mails nicht mehr erhalten?",
        "Abbestellen",
        "Wir haben Ihre Anfrage erhalten. Wenn Ihr Link gültig ist, bekommen Sie keine dieser E-Mails mehr.",
        "Das hat gerade nicht geklappt. Sie sind noch nicht abgemeldet. Bitte versuchen Sie es in ein paar Minuten "
        "noch einmal.",
    ),
    Words(
        "fr",
        "Se désabonner",
        "Souhaitez-vous ne plus recevoir ces e-mails ?",
        "Se désabonner",
        "Nous avons reçu votre demande. Si votre lien est valide, vous ne recevrez plus ces e-mails.",
        "Cela n’a pas fonctionné. Vous n’êtes pas encore désabonné. Veuillez réessayer dans quelques minutes.",
    ),
    Words(
        "es",
        "Darse de baja",
        "¿Quiere dejar de recibir estos correos?",
        "Darme de baja",
        "Hemos recibido su solicitud. Si su enlace es válido, no recibirá más estos correos.",
        "No ha funcionado. Todavía no está dado de baja. Inténtelo de nuevo en unos minutos.",
    ),
    Words(
        "it",
        "Annulla l’iscrizione",
        "Vuole smettere di ricevere queste e-mail?",
        "Annulla l’iscrizione",
        "Abbiamo ricevuto la Sua richiesta. Se il link è valido, non riceverà più queste e-mail.",
        "Non ha funzionato. L’iscrizione non è ancora annullata. Riprovi tra qualche minuto.",
    ),
    Words(
        "pt",
        "Cancelar a inscrição",
        "Deseja deixar de receber estes e-mails?",
        "Cancelar a inscrição",
        "Recebemos o seu pedido. Se o seu link for válido, não receberá mais estes e-mails.",
        "Não funcionou. A inscrição ainda não foi cancelada. Tente novamente dentro de alguns minutos.",
    ),
    Words(
        "nl",
        "Afmelden",
        "Wilt u deze e-mails niet meer ontvangen?",
        "Afmelden",
        "We hebben uw verzoek ontvangen. Als uw link geldig is, krijgt u deze e-mails niet meer.",
        "Dat is niet gelukt. U bent nog niet afgemeld. Probeer het over een paar minuten opnieuw.",
    ),
    Words(
        "pl",
        "Rezygnacja z subskrypcji",
        "Czy chcesz przestać otrzymywać te wiadomości?",
        "Zrezygnuj",
        "Otrzymaliśmy Twoją prośbę. Jeśli link jest prawidłowy, nie dostaniesz więcej tych wiadomości.",
        "Nie udało się. Subskrypcja nie została jeszcze anulowana. Spróbuj ponownie za kilka minut.",
    ),
    Words(
        "ru",
        "Отписка от рассылки",
        "Вы хотите больше не получать эти письма?",
        "Отписаться",
        "Мы получили ваш запрос. Если ссылка действительна, вы больше не будете получать эти письма.",
        "Не получилось. Вы ещё не отписаны. Повторите попытку через несколько минут.",
    ),
    Words(
        "ja",
        "配信停止",
        "このメールの配信を停止しますか？",
        "配信を停止する",
        "リクエストを受け付けました。リンクが有効であれば、このメールは今後届きません。",
        "処理できませんでした。配信はまだ停止されていません。数分後にもう一度お試しください。",
    ),
    Words(
        "zh",
        "退订",
        "您想停止接收这些邮件吗？",
        "退订",
        "我们已收到您的请求。如果链接有效，您将不再收到这些邮件。",
        "操作未成功，您尚未退订。请几分钟后重试。",
    ),
    Words(
        "ar",
        "إلغاء الاشتراك",
        "هل تريد التوقف عن تلقي هذه الرسائل؟",
        "إلغاء الاشتراك",
        "لقد تلقينا طلبك. إذا كان الرابط صالحًا فلن تصلك هذه الرسائل بعد الآن.",
        "لم تنجح العملية. لم يُلغَ اشتراكك بعد. يُرجى المحاولة مرة أخرى بعد بضع دقائق.",
    ),
)
LANGUAGES = {words.tag: words for words in (ENGLISH, *_OTHERS)}


def chosen(accept_language: str) -> Words:
    """Return the words that a browser likes best of those that there are; English where it likes none."""
    ranges = [_range(each) for each in accept_language.split(",")[:MAX_RANGES]]
    for quality, tag in sorted(ranges, key=lambda each: -each[0]):
        if quality > 0 and tag in LANGUAGES:
            return LANGUAGES[tag]
    return ENGLISH


def _range(text: str) -> tuple[float, str]:
    """Return how much a language is liked, and its first subtag."""
    tag, _, parameter = text.partition(";")
    language = tag.strip().lower().partition("-")[0]
    name, _, value = parameter.strip().partition("=")
    if not parameter:
        return 1.0, language
    try:
        quality = float(value) if name.strip().lower() == "q" and len(value) <= MAX_QUALITY_CHARACTERS else 0.0
    except ValueError:
        quality = 0.0
    return quality, language
