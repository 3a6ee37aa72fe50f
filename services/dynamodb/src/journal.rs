//! The journal behind point-in-time recovery: what each item was before each change.
//!
//! A table as it was at a time is the table as it is, with the changes since then undone: for every key that the journal
//! names after that time, the first entry tells what was there.

use clock::{Jobs, NewJob};
use cloud::Ctx;
use shapes::ApiError;
use store::{Tail, Tx};

use crate::definitions::Table;
use crate::item::Item;
use crate::jobs;
use crate::sealing::{Part, Sealer};
use crate::tables::{JOURNAL, JOURNAL_ENDS, JournalEnd, JournalRow};

/// Notes what was at `place` before a change, in tables with point-in-time recovery.
pub(crate) fn record(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    (table, sealer): (&Table, &Sealer),
    place: &Tail,
    old: Option<&Item>,
) -> Result<(), ApiError> {
    let Some(journal) = &table.row.journal else { return Ok(()) };
    let now = ctx.now();
    let JournalEnd { last, has_trimming } = JOURNAL_ENDS.find(tx, &journal.id)?.unwrap_or_default();
    let key = (journal.id, now, last + 1);
    let before = old.map(|item| sealer.part(Part::Before, &key, item)).transpose()?;
    JOURNAL.put(tx, &key, &JournalRow { key: place.0.clone(), before });
    JOURNAL_ENDS.put(tx, &journal.id, &JournalEnd { last: last + 1, has_trimming: true });
    if !has_trimming {
        let payload = jobs::payload(table, &jobs::Work::TrimJournal { journal: journal.id });
        let due = now + std::time::Duration::from_secs(u64::from(journal.days) * 86_400);
        let job = NewJob { kind: jobs::TRIMMING, subject: table.arn.clone(), payload, due };
        Jobs::add(tx, now, ctx.ids().number(), job);
    }
    Ok(())
}
