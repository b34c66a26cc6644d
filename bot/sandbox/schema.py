"""The methods and the types a bot may send, as Bot API 10.1 declares them; what is not listed is refused.

One line a field: its name (a star: required), then its types; `X[]` is an array of X. A test compares both tables
with the public specification where that is present.
"""

from __future__ import annotations

from dataclasses import dataclass

_SEND = """
    business_connection_id String
    chat_id* Integer|String
    message_thread_id Integer
    direct_messages_topic_id Integer
    disable_notification Boolean
    protect_content Boolean
    allow_paid_broadcast Boolean
    message_effect_id String
    suggested_post_parameters SuggestedPostParameters
    reply_parameters ReplyParameters
    reply_markup InlineKeyboardMarkup|ReplyKeyboardMarkup|ReplyKeyboardRemove|ForceReply
"""
_CAPTION = """
    caption String
    parse_mode String
    caption_entities MessageEntity[]
"""
_EDIT = """
    business_connection_id String
    chat_id Integer|String
    message_id Integer
    inline_message_id String
    reply_markup InlineKeyboardMarkup
"""
_SCOPE = """
    scope BotCommandScope
    language_code String
"""
_METHODS = {
    "getMe": "",
    "getUpdates": """
        offset Integer
        limit Integer
        timeout Integer
        allowed_updates String[]
    """,
    "setWebhook": """
        url* String
        certificate InputFile
        ip_address String
        max_connections Integer
        allowed_updates String[]
        drop_pending_updates Boolean
        secret_token String
    """,
    "deleteWebhook": "drop_pending_updates Boolean",
    "getWebhookInfo": "",
    "sendMessage": _SEND
    + """
        text* String
        parse_mode String
        entities MessageEntity[]
        link_preview_options LinkPreviewOptions
    """,
    "sendDocument": _SEND
    + _CAPTION
    + """
        document* InputFile|String
        thumbnail InputFile|String
        disable_content_type_detection Boolean
    """,
    "sendPhoto": _SEND
    + _CAPTION
    + """
        photo* InputFile|String
        show_caption_above_media Boolean
        has_spoiler Boolean
    """,
    "sendMediaGroup": """
        business_connection_id String
        chat_id* Integer|String
        message_thread_id Integer
        direct_messages_topic_id Integer
        media* InputMediaAudio[]|InputMediaDocument[]|InputMediaLivePhoto[]|InputMediaPhoto[]|InputMediaVideo[]
        disable_notification Boolean
        protect_content Boolean
        allow_paid_broadcast Boolean
        message_effect_id String
        reply_parameters ReplyParameters
    """,
    "sendChatAction": """
        business_connection_id String
        chat_id* Integer|String
        message_thread_id Integer
        action* String
    """,
    "editMessageText": _EDIT
    + """
        text String
        parse_mode String
        entities MessageEntity[]
        link_preview_options LinkPreviewOptions
        rich_message InputRichMessage
    """,
    "editMessageCaption": _EDIT + _CAPTION + "show_caption_above_media Boolean",
    "editMessageReplyMarkup": _EDIT,
    "deleteMessage": """
        chat_id* Integer|String
        message_id* Integer
    """,
    "answerCallbackQuery": """
        callback_query_id* String
        text String
        show_alert Boolean
        url String
        cache_time Integer
    """,
    "getFile": "file_id* String",
    "setMyCommands": _SCOPE + "commands* BotCommand[]",
    "getMyCommands": _SCOPE,
    "deleteMyCommands": _SCOPE,
}
_TYPES = {
    "InlineKeyboardMarkup": "inline_keyboard* InlineKeyboardButton[][]",
    "InlineKeyboardButton": """
        text* String
        icon_custom_emoji_id String
        style String
        url String
        callback_data String
        web_app WebAppInfo
        login_url LoginUrl
        switch_inline_query String
        switch_inline_query_current_chat String
        switch_inline_query_chosen_chat SwitchInlineQueryChosenChat
        copy_text CopyTextButton
        callback_game CallbackGame
        pay Boolean
    """,
    "ReplyKeyboardMarkup": """
        keyboard* KeyboardButton[][]
        is_persistent Boolean
        resize_keyboard Boolean
        one_time_keyboard Boolean
        input_field_placeholder String
        selective Boolean
    """,
    "KeyboardButton": """
        text* String
        icon_custom_emoji_id String
        style String
        request_users KeyboardButtonRequestUsers
        request_chat KeyboardButtonRequestChat
        request_managed_bot KeyboardButtonRequestManagedBot
        request_contact Boolean
        request_location Boolean
        request_poll KeyboardButtonPollType
        web_app WebAppInfo
    """,
    "ReplyKeyboardRemove": """
        remove_keyboard* Boolean
        selective Boolean
    """,
    "ForceReply": """
        force_reply* Boolean
        input_field_placeholder String
        selective Boolean
    """,
    "ReplyParameters": """
        message_id* Integer
        chat_id Integer|String
        allow_sending_without_reply Boolean
        quote String
        quote_parse_mode String
        quote_entities MessageEntity[]
        quote_position Integer
        checklist_task_id Integer
        poll_option_id String
    """,
    "LinkPreviewOptions": """
        is_disabled Boolean
        url String
        prefer_small_media Boolean
        prefer_large_media Boolean
        show_above_text Boolean
    """,
    "MessageEntity": """
        type* String
        offset* Integer
        length* Integer
        url String
        user User
        language String
        custom_emoji_id String
        unix_time Integer
        date_time_format String
    """,
    "InputMediaDocument": """
        type* String
        media* String
        thumbnail String
        caption String
        parse_mode String
        caption_entities MessageEntity[]
        disable_content_type_detection Boolean
    """,
    "InputMediaPhoto": """
        type* String
        media* String
        caption String
        parse_mode String
        caption_entities MessageEntity[]
        show_caption_above_media Boolean
        has_spoiler Boolean
    """,
    "BotCommand": """
        command* String
        description* String
    """,
}


@dataclass(frozen=True, slots=True)
class Field:
    """A named value of a call or of an object; `types` in the notation of this module."""

    name: str
    types: tuple[str, ...]
    required: bool


def _read(table: str) -> dict[str, Field]:
    fields: dict[str, Field] = {}
    for line in table.strip().splitlines():
        if not line.strip():
            continue
        name, types = line.split()
        field = Field(name.rstrip("*"), tuple(types.split("|")), name.endswith("*"))
        fields[field.name] = field
    return fields


METHODS = {name: _read(table) for name, table in _METHODS.items()}
TYPES = {name: _read(table) for name, table in _TYPES.items()}
BY_LOWER_NAME = {name.lower(): name for name in METHODS}

# Declared by Telegram, of no use to this product: naming one is refused rather than silently ignored.
UNSUPPORTED = frozenset(
    {
        "business_connection_id",
        "direct_messages_topic_id",
        "inline_message_id",
        "message_effect_id",
        "message_thread_id",
        "rich_message",
        "suggested_post_parameters",
    }
)

MISSING = {
    "chat_id": "chat_id is empty",
    "text": "message text is empty",
    "message_id": "message identifier is not specified",
    "document": "there is no document in the request",
    "photo": "there is no photo in the request",
    "file_id": "invalid file_id",
    "callback_query_id": "query is too old and response timeout expired or query ID is invalid",
}
