//! Log events and the tokens that point between them.

use shapes::Timestamp;

/// API Reference, PutLogEvents: what an event counts beside its message.
pub(crate) const EVENT_OVERHEAD_BYTES: usize = 26;

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Event {
    pub message: String,
    pub ingested: Timestamp,
}

store::row!(Event, 1);

impl Event {
    pub(crate) fn size(&self) -> usize {
        self.message.len() + EVENT_OVERHEAD_BYTES
    }
}

/// A place between two events of a stream: before the event of this time and number, if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Boundary {
    pub time: i64,
    pub sequence: u64,
}

/// Which way a token of GetLogEvents leads from its boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Forward,
    Backward,
}

impl Boundary {
    pub(crate) const START: Self = Self { time: 0, sequence: 0 };

    pub(crate) fn token(self, direction: Direction) -> String {
        let letter = match direction {
            Direction::Forward => 'f',
            Direction::Backward => 'b',
        };
        format!("{letter}/{:020}{:036}/s", self.time.max(0), self.sequence)
    }

    pub(crate) fn parse(token: &str) -> Option<(Direction, Self)> {
        let digits = token.get(2..)?.strip_suffix("/s")?;
        let direction = match token.get(..2)? {
            "f/" => Direction::Forward,
            "b/" => Direction::Backward,
            _ => return None,
        };
        if digits.len() != 56 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let (time, sequence) = digits.split_at(20);
        Some((direction, Self { time: time.parse().ok()?, sequence: sequence.parse().ok()? }))
    }
}

/// Where an event is in its group. Its text is the event's id, and a token of FilterLogEvents that points behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub time: i64,
    pub stream: u64,
    pub sequence: u64,
}

/// Numbers of events in an id; more of one stream would begin anew.
const SEQUENCES: u64 = 10_u64.pow(16);

impl Place {
    pub(crate) fn id(self) -> String {
        format!("{:020}{:020}{:016}", self.time.max(0), self.stream, self.sequence % SEQUENCES)
    }

    pub(crate) fn parse(id: &str) -> Option<Self> {
        if id.len() != 56 || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Some(Self {
            time: id[..20].parse().ok()?,
            stream: id[20..40].parse().ok()?,
            sequence: id[40..].parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Boundary, Direction, Place};

    #[test]
    fn tokens_go_there_and_back_and_junk_is_refused() {
        let boundary = Boundary { time: 1_767_225_600_123, sequence: u64::MAX };
        for direction in [Direction::Forward, Direction::Backward] {
            assert_eq!(Boundary::parse(&boundary.token(direction)), Some((direction, boundary)));
        }
        let place = Place { time: 1, stream: u64::MAX, sequence: 9 };
        assert_eq!((place.id().len(), Place::parse(&place.id())), (56, Some(place)));
        for junk in
            ["", "f", "f/", "f/1/s", "é/", "x/00/s", &"9".repeat(56), &format!("f/{}/s", "9".repeat(56))]
        {
            assert_eq!((Boundary::parse(junk), Place::parse(junk)), (None, None), "{junk}");
        }
    }
}
