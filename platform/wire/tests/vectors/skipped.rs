//! The cases that do not run, each with its reason.

/// Requests that a client compresses, which is done around the protocol.
const COMPRESSION: &str = "the client compresses bodies after they are encoded";

/// Cases of requests that are neither encoded nor decoded.
pub(crate) const INPUT: &[(&str, &str)] = &[
    ("SDKAppliedContentEncoding_", COMPRESSION),
    ("SDKAppendsGzipAndIgnoresHttpProvidedEncoding_", COMPRESSION),
    ("SDKAppendedGzipAfterProvidedEncoding_", COMPRESSION),
];

/// Cases of requests that are decoded, but encode otherwise.
pub(crate) const ENCODE_INPUT: &[(&str, &str)] = &[
    ("RestJsonHttpChecksumRequired", "checksums are added after the body is encoded"),
    ("BodyWithXmlName", ELEMENT),
    ("RestXmlHttpPayloadWithUnion", ELEMENT),
    ("HttpPayloadWithXmlName", ELEMENT),
    ("HttpPayloadWithXmlNamespace", ELEMENT),
    ("HttpPayloadWithXmlNamespaceAndPrefix", ELEMENT),
    ("XmlAttributesOnPayload", ELEMENT),
];

/// botocore's own runner leaves these out as well.
const ELEMENT: &str =
    "the outermost element goes by the model's locationName, which this suite's models have wrong";

/// Cases of responses that are decoded, but not encoded and decoded again.
pub(crate) const ROUND_TRIP: &[(&str, &str)] =
    &[("HttpPrefixHeadersResponse", "an empty prefix takes all headers, also those that every response has")];

/// The reason why a case is in a list.
pub(crate) fn reason(list: &[(&'static str, &'static str)], id: &str) -> Option<&'static str> {
    list.iter()
        .find(|(skipped, _)| id == *skipped || skipped.ends_with('_') && id.starts_with(skipped))
        .map(|(_, reason)| *reason)
}
