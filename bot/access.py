"""Who may press what: one table, read again from the database at each press.

A keyboard never decides whose data is served (S13): a customer acts only on his own things, whatever a button names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core import events
from core.parties import Role

if TYPE_CHECKING:
    from core.parties import ChatLink

CUSTOMER = "customer"
#: Whoever writes and is linked to nobody yet.
STRANGER = "stranger"
_SALES = frozenset({Role.SALES, Role.MANAGER})
_ACCOUNTING = frozenset({Role.ACCOUNTING})
_WAREHOUSE = frozenset({Role.WAREHOUSE, Role.MANAGER})
_LEGAL = frozenset({Role.LEGAL})
_OFFICE = frozenset({Role.SALES, Role.ACCOUNTING, Role.MANAGER})

#: Every action of a button, a command or an answer, and who may take it.
PERMISSIONS: dict[str, frozenset[str]] = {
    **dict.fromkeys(
        (
            "accept_recap", "edit_line", "change_date", "cancel_order", "verify_delivery", "report_reserve",
            "reserve_line", "reserve_kind", "pay_info", "claim_paid", "ask_promise", "make_promise", "other_date",
            "dispute", "human", "my_orders", "my_documents", "accept_quote",
            "accept_terms",
        ),
        frozenset({CUSTOMER}),
    ),
    **dict.fromkeys(
        (
            "confirm", "undo", "next_draft", "treat_points", "show_order", "show_lines", "show_evidence",
            "choose_article", "remember_alias", "this_time_only", "search_article", "settle_price", "remove_line",
            "ask_quantity", "request_override", "cancel_draft", "request_deposit", "send_recap", "send_quote",
            "replay_message", "ignore_message", "take_message", "prepare_rest", "drafts", "take_order",
            "edit_draft", "remember_packaging", "confirm_customer", "search_customer", "choose_customer",
            "assign_customer", "remember_sender", "leave_sender", "forget_alias", "learned",
            "open_card",
            "treat_watched", "keep_backorder", "wait_until", "choose_substitute", "cap_line", "round_quantity",
            "deliver_on",
            "assign_customer", "remember_sender", "leave_sender", "forget_alias", "learned", "automation", "auto_off",
            "accept_revision", "refuse_revision", "accept_cancellation", "cancel_confirmed", "close_lines",
            "close_line", "duplicate_drop", "duplicate_keep", "duplicate_correct",
            "show_notes", "ask_number", "ask_date", "who_ordered", "choose_buyer", "which_address", "choose_address",
            "send_terms",
            "ask_customer", "keep_clause", "accept_clause", "note_acceptance",
            "quotes", "show_quote", "revise_quote", "search_quote_article", "choose_quote_article", "remove_quote_line",
            "ask_quote_quantity", "ask_validity", "set_validity", "take_up_quote", "compare_quote", "edit_quote",
            "change_lines", "change_line", "ask_line_price", "park", "park_until", "unpark",
            "apply_edit", "leave_edit", "choose_edited", "take_order_for", "take_order_whom", "open_order",
        ),
        _SALES,
    ),
    **dict.fromkeys(("set_prepared", "ship", "to_prepare", "receive_goods"), _WAREHOUSE),
    **dict.fromkeys(("count_stock", "lose_stock"), _WAREHOUSE),
    **dict.fromkeys(("set_apart", "shelve_apart", "scrap_apart", "part_apart"), _WAREHOUSE),
    **dict.fromkeys(("record_payment", "credit_line"), _ACCOUNTING),
    **dict.fromkeys(("grant_override", "refuse_override"), _ACCOUNTING | {Role.MANAGER}),
    **dict.fromkeys(("accept_price", "ask_price"), _SALES),
    "credit_deposit": _ACCOUNTING,
    **dict.fromkeys(
        (
            "import_statement", "settle_entry", "entry_customer", "credit_entry", "leave_entry", "reject_entry",
            "book_fee",
            "approve_refund", "refuse_refund", "execute_refund", "use_credit",
        ),
        _ACCOUNTING,
    ),
    "ask_refund": _OFFICE,
    **dict.fromkeys(("late_charges", "keep_late"), _ACCOUNTING),
    **dict.fromkeys(("redo_invoice", "note_status"), _ACCOUNTING),
    "settle_dispute": _ACCOUNTING,
    **dict.fromkeys(("grant_credit", "issue_invoice"), _ACCOUNTING),
    **dict.fromkeys(
        (
            "ask_credit", "choose_credit", "credit_return", "credit_price", "credit_gesture", "to_invoice",
            "preview_invoice",
        ),
        _OFFICE,
    ),
    "auto_on": frozenset({Role.MANAGER}),
    **dict.fromkeys(("approve_notice", "drop_notice"), _LEGAL),
    "show_account": _OFFICE,
    "call_customer": _OFFICE,
    "my_statement": frozenset({CUSTOMER}),
    **dict.fromkeys(("make_statement", "send_statement"), _ACCOUNTING | {Role.MANAGER}),
    **dict.fromkeys(("show_exposure", "request_payment"), _OFFICE),
    **dict.fromkeys(("record_asked", "release_delivery"), _ACCOUNTING),
    "stock_of": _SALES | _WAREHOUSE,
    "quarantine": _SALES | {Role.ADMIN},
    **dict.fromkeys(
        ("replay_message", "ignore_message", "take_message", "show_message", "process_anyway", "more_messages",
         "show_ignored"),
        _SALES | {Role.ADMIN},
    ),
    **dict.fromkeys(("open_waiting", "take_call", "digest_detail"), frozenset(Role)),
    **dict.fromkeys(("vouch_sender", "disown_sender", "confirm_disown", "show_twin"), _SALES),
    "due_today": _ACCOUNTING | _LEGAL | {Role.MANAGER},
    "send_again": frozenset({Role.ADMIN, Role.MANAGER}),
    "confirm_cancel": _SALES | {CUSTOMER},
    "decline_quote": _SALES | {CUSTOMER},
    "no_cancel": _SALES | {CUSTOMER},
    **dict.fromkeys(
        ("line_menu", "propose_more", "rest_backorder", "rest_close", "ask_batches", "propose_substitute",
         "search_substitute", "ask_parcels", "return_all_good", "count_return"), _WAREHOUSE,
    ),
    **dict.fromkeys(
        ("decide_credit", "decide_replace", "decide_refuse", "ask_substitute", "substitute_price", "agree_return",
         "refuse_return", "register_return"), _SALES,
    ),
    **dict.fromkeys(
        ("report_reserve", "reserve_line", "reserve_kind", "reserves_done", "add_photo", "correct_reserves",
         "withdraw_reserve", "refuse_delivery"), _SALES | _WAREHOUSE | {CUSTOMER},
    ),
    **dict.fromkeys(("accept_substitute", "no_substitute", "cancel_backorder", "close_backorder"), _SALES | {CUSTOMER}),
    **dict.fromkeys(("sign_receipt", "ask_return", "return_line"), frozenset({CUSTOMER})),
    **dict.fromkeys(("file_note", "note_clean", "of_batch", "show_delivery", "show_photos"), _SALES | _WAREHOUSE),
    **dict.fromkeys(("card_called_back", "approve_card_change", "refuse_card_change"), _SALES),
    **dict.fromkeys(
        ("my_order", "my_papers", "my_orders_list", "my_documents_list", "show_all_lines", "this_article", "take_day",
         "ask_exception", "promise_part", "dispute_motive", "dispute_line", "accept_credit", "add_piece", "mute",
         "unmute", "specify", "speak_french", "speak_english"), frozenset({CUSTOMER}),
    ),
    **dict.fromkeys(("show_pieces", "credit_dispute"), _ACCOUNTING),
    "help": frozenset({CUSTOMER, *Role}),
    **dict.fromkeys(("help_section", "run_command"), frozenset({CUSTOMER, *Role})),
    **dict.fromkeys(("link_yes", "link_no"), frozenset({STRANGER, CUSTOMER, *Role})),
    **dict.fromkeys(("speak_for", "change_customer"), frozenset({CUSTOMER})),
    **dict.fromkeys(
        (
            "people", "hire", "person_card", "give_role", "take_role", "person_off", "person_off_yes", "person_on",
            "staff_code", "health", "group_card", "group_bind", "group_bind_customer", "group_customer", "group_money",
            "group_pushes", "group_unbind",
        ),
        frozenset({Role.ADMIN}),
    ),
    **dict.fromkeys(("link_customer", "contact_code"), _SALES | {Role.ADMIN}),
    "open_private": frozenset(Role),
    "reminders": _ACCOUNTING | _LEGAL | {Role.MANAGER},
    "disputes": _ACCOUNTING | {Role.MANAGER},
}  # fmt: skip


def reserved_to(action: str) -> list[str]:
    """The roles that may take this action; empty for one that is not a colleague's."""
    return sorted(role.value for role in PERMISSIONS.get(action, frozenset()) if isinstance(role, Role))


def allowed(link: ChatLink, action: str, thing: Any = None) -> bool:
    """Whether who stands behind the chat may take this action on this thing now."""
    may = PERMISSIONS.get(action, frozenset())
    if STRANGER in may:
        return True
    if link.staff is not None:
        return bool(may & link.staff.roles)
    if CUSTOMER not in may or link.customer is None or not link.customer.active:
        return False
    owner = events.customer_of(thing) if thing is not None else link.customer
    return owner is not None and owner.id == link.customer_id
