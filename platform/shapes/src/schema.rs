//! Static descriptions of shapes, as the API models give them.

/// A named type of an API.
#[derive(Debug)]
pub struct Shape {
    pub name: &'static str,
    pub kind: Kind,
    pub constraints: Constraints,
    /// How a timestamp of this shape is written, where the model fixes it.
    pub timestamp_format: Option<TimestampFormat>,
    /// Lists and maps whose entries stand directly in the parent (XML and query protocols).
    pub flattened: bool,
    /// A body that is handed over unread.
    pub streaming: bool,
    /// Never logged.
    pub sensitive: bool,
}

/// What kind of value a shape has.
#[derive(Debug)]
pub enum Kind {
    Boolean,
    Integer,
    Long,
    Float,
    Double,
    String,
    Blob,
    Timestamp,
    Document,
    List(&'static Member),
    /// Key and value. Keys are strings.
    Map(&'static Member, &'static Member),
    Struct(&'static StructShape),
}

/// A structure or union.
#[derive(Debug)]
pub struct StructShape {
    pub name: &'static str,
    pub members: &'static [Member],
    pub is_union: bool,
    /// Index of the member that is the whole HTTP body.
    pub payload: Option<usize>,
    pub error: Option<&'static ErrorShape>,
    /// Name of the XML element for this structure, where it differs from the shape's or member's name.
    pub xml_name: Option<&'static str>,
    pub xml_namespace: Option<XmlNamespace>,
    /// The structure is an event stream (a union of events).
    pub event_stream: bool,
}

impl StructShape {
    pub const EMPTY: Self = Self {
        name: "",
        members: &[],
        is_union: false,
        payload: None,
        error: None,
        xml_name: None,
        xml_namespace: None,
        event_stream: false,
    };

    /// The member that the model calls `name`.
    pub fn member_named(&self, name: &str) -> Option<(usize, &'static Member)> {
        self.members.iter().enumerate().find(|(_, member)| member.name == name)
    }
}

/// A member of a structure, the item of a list, or the key or value of a map.
#[derive(Debug)]
pub struct Member {
    pub name: &'static str,
    pub shape: &'static Shape,
    pub required: bool,
    pub location: Location,
    /// The name on the wire where it differs from `name` (the model's `locationName`).
    pub location_name: Option<&'static str>,
    /// The name that the ec2 query protocol uses (the model's `queryName`).
    pub query_name: Option<&'static str>,
    pub flattened: bool,
    pub xml_attribute: bool,
    pub xml_namespace: Option<XmlNamespace>,
    pub timestamp_format: Option<TimestampFormat>,
    /// A JSON text inside a string or header.
    pub json_value: bool,
    /// A client that leaves it out gets one made for it.
    pub idempotency_token: bool,
    pub event_header: bool,
    pub event_payload: bool,
}

impl Member {
    /// A member of `shape` with nothing special about it; generated code spells out only what differs.
    pub const fn plain(name: &'static str, shape: &'static Shape) -> Self {
        Self {
            name,
            shape,
            required: false,
            location: Location::Body,
            location_name: None,
            query_name: None,
            flattened: false,
            xml_attribute: false,
            xml_namespace: None,
            timestamp_format: None,
            json_value: false,
            idempotency_token: false,
            event_header: false,
            event_payload: false,
        }
    }

    /// The name on the wire.
    pub fn wire_name(&self) -> &'static str {
        self.location_name.unwrap_or(self.name)
    }
}

impl Shape {
    /// A shape without constraints or traits.
    pub const fn plain(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            constraints: Constraints::NONE,
            timestamp_format: None,
            flattened: false,
            streaming: false,
            sensitive: false,
        }
    }
}

/// Where in an HTTP message a member travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    Body,
    /// One header; its name is the member's wire name.
    Header,
    /// All headers with the prefix that is the member's wire name.
    Headers,
    QueryString,
    Uri,
    StatusCode,
}

/// What the model says a value must satisfy.
#[derive(Clone, Copy, Debug)]
pub struct Constraints {
    /// Least length of strings (characters), blobs (bytes), lists and maps (entries); least value of numbers.
    pub min: Option<f64>,
    pub max: Option<f64>,
    /// A Java regular expression that the whole string must match.
    pub pattern: Option<&'static str>,
    /// Empty when the string is not an enumeration.
    pub enum_values: &'static [&'static str],
}

impl Constraints {
    pub const NONE: Self = Self { min: None, max: None, pattern: None, enum_values: &[] };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampFormat {
    /// RFC 3339 date-time.
    Iso8601,
    /// RFC 9110 HTTP-date.
    HttpDate,
    EpochSeconds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XmlNamespace {
    pub uri: &'static str,
    pub prefix: Option<&'static str>,
}

/// An error that a model declares.
#[derive(Debug)]
pub struct ErrorShape {
    /// The shape's name, which JSON protocols send as `__type`: `QueueDoesNotExist`.
    pub name: &'static str,
    /// The code of query and XML protocols: `AWS.SimpleQueueService.NonExistentQueue`.
    pub code: &'static str,
    pub status: u16,
    pub sender: bool,
}
