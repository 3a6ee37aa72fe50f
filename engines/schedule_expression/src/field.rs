//! Fields of cron expressions that are sets of numbers.

/// Numbers of a field, as bits counted from its least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    least: u16,
    bits: [u64; 4],
}

/// What a field may hold.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    pub least: u16,
    pub greatest: u16,
    /// Words for numbers, the least one first.
    pub names: &'static [&'static str],
}

pub(crate) const MINUTES: Bounds = Bounds { least: 0, greatest: 59, names: &[] };
pub(crate) const HOURS: Bounds = Bounds { least: 0, greatest: 23, names: &[] };
pub(crate) const DAYS_OF_MONTH: Bounds = Bounds { least: 1, greatest: 31, names: &[] };
pub(crate) const MONTHS: Bounds = Bounds {
    least: 1,
    greatest: 12,
    names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
};
/// From Sunday.
pub(crate) const DAYS_OF_WEEK: Bounds =
    Bounds { least: 1, greatest: 7, names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"] };
pub(crate) const YEARS: Bounds = Bounds { least: 1970, greatest: 2199, names: &[] };

impl Bounds {
    pub(crate) fn number(self, text: &str) -> Option<u16> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let number = match named {
            Some(index) => self.least + u16::try_from(index).ok()?,
            None if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok()?,
            None => return None,
        };
        (self.least..=self.greatest).contains(&number).then_some(number)
    }
}

impl Numbers {
    pub(crate) fn none(bounds: Bounds) -> Self {
        Self { least: bounds.least, bits: [0; 4] }
    }

    /// Reads `*`, `5`, `1-5`, `*/15`, `5/10`, `1-30/5` and lists of them.
    pub(crate) fn parse(text: &str, bounds: Bounds) -> Option<Self> {
        let mut numbers = Self::none(bounds);
        for part in text.split(',') {
            numbers.add(part, bounds)?;
        }
        Some(numbers)
    }

    pub(crate) fn add(&mut self, part: &str, bounds: Bounds) -> Option<()> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<u16>().ok().filter(|step| *step > 0)?)),
            None => (part, None),
        };
        let (from, to) = match (range, range.split_once('-')) {
            ("*", _) => (bounds.least, bounds.greatest),
            (_, Some((from, to))) => (bounds.number(from)?, bounds.number(to)?),
            // A step counts from the number to the end.
            (one, None) => {
                let one = bounds.number(one)?;
                (one, if step.is_some() { bounds.greatest } else { one })
            }
        };
        // A range such as FRI-MON goes over the end.
        let span = bounds.greatest - bounds.least + 1;
        let length = if from <= to { to - from } else { to + span - from };
        for offset in (0..=length).step_by(usize::from(step.unwrap_or(1))) {
            let index = (from - bounds.least + offset) % span;
            self.bits[usize::from(index / 64)] |= 1 << (index % 64);
        }
        Some(())
    }

    pub(crate) fn contains(&self, number: u16) -> bool {
        let Some(index) = number.checked_sub(self.least) else { return false };
        self.bits.get(usize::from(index / 64)).is_some_and(|bits| bits >> (index % 64) & 1 == 1)
    }

    /// The least number from `number` on.
    pub(crate) fn from(&self, number: u16, greatest: u16) -> Option<u16> {
        (number..=greatest).find(|number| self.contains(*number))
    }
}
