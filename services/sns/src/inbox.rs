//! What a region keeps for reading instead of sending it into the world: mail, text messages and push notifications.

use std::ops::ControlFlow;

use identity::AccountId;
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use store::{Order, Range, Row, Scope, Store, Table, Tx};

use crate::mail::Mail;
use crate::push::Push;
use crate::tables;
use crate::text_message::TextMessage;

/// Items that an account's inbox of one kind keeps; older ones make room.
const KEPT: u64 = 1_000;

/// The number of an account's next item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct InboxEnd(u64);

store::row!(InboxEnd, 1);

/// What inboxes keep.
pub(crate) trait Item: Row + 'static {
    const ITEMS: Table<(u64, u64), Self>;
    const ENDS: Table<u64, InboxEnd>;

    fn time(&self) -> Timestamp;
}

impl Item for Mail {
    const ITEMS: Table<(u64, u64), Self> = tables::MAIL;
    const ENDS: Table<u64, InboxEnd> = tables::INBOX_ENDS;

    fn time(&self) -> Timestamp {
        self.time
    }
}

impl Item for TextMessage {
    const ITEMS: Table<(u64, u64), Self> = tables::TEXT_MESSAGES;
    const ENDS: Table<u64, InboxEnd> = tables::TEXT_MESSAGE_ENDS;

    fn time(&self) -> Timestamp {
        self.time
    }
}

impl Item for Push {
    const ITEMS: Table<(u64, u64), Self> = tables::PUSHES;
    const ENDS: Table<u64, InboxEnd> = tables::PUSH_ENDS;

    fn time(&self) -> Timestamp {
        self.time
    }
}

/// Puts an item into the inbox of an account.
pub(crate) fn keep<T: Item>(tx: &mut Tx<'_>, account: AccountId, item: &T) -> Result<(), ApiError> {
    tx.with_scope(&Scope::global(), |tx| {
        let account = account.number();
        let InboxEnd(number) = T::ENDS.find(tx, &account)?.unwrap_or_default();
        T::ITEMS.put(tx, &(account, number), item);
        T::ENDS.put(tx, &account, &InboxEnd(number + 1));
        if let Some(oldest) = number.checked_sub(KEPT) {
            T::ITEMS.delete(tx, &(account, oldest));
        }
        Ok(())
    })
}

/// The mail, text messages and push notifications that a region keeps: the latest 1,000 of each account and kind.
#[derive(Clone)]
pub struct Inbox {
    store: Store,
}

impl Inbox {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }

    /// The newest `limit` mails, newest first: of one account, or of all.
    pub fn latest(&self, account: Option<AccountId>, limit: usize) -> Result<Vec<Mail>, ApiError> {
        self.newest(account, limit)
    }

    /// The newest text messages, as [`Self::latest`].
    pub fn text_messages(
        &self,
        account: Option<AccountId>,
        limit: usize,
    ) -> Result<Vec<TextMessage>, ApiError> {
        self.newest(account, limit)
    }

    /// The newest push notifications, as [`Self::latest`].
    pub fn pushes(&self, account: Option<AccountId>, limit: usize) -> Result<Vec<Push>, ApiError> {
        self.newest(account, limit)
    }

    fn newest<T: Item>(&self, account: Option<AccountId>, limit: usize) -> Result<Vec<T>, ApiError> {
        let range = account.map_or_else(Range::all, |account| Range::prefix(&account.number()));
        let mut snapshot = self.store.read(&Scope::global())?;
        let mut items = Vec::new();
        T::ITEMS.visit(&mut snapshot, &range, Order::Descending, |_, item| {
            items.push(item);
            let is_enough = account.is_some() && items.len() >= limit;
            if is_enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        // Within an account they are in order already, which a stable sort keeps.
        items.sort_by_key(|item| std::cmp::Reverse(item.time()));
        items.truncate(limit);
        Ok(items)
    }
}
