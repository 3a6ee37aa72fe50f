//! Finds the operation of a REST request by method, path and query string.
//!
//! Paths are walked segment by segment through a tree, so the cost follows the length of the path and not the
//! number of operations. Of several templates that fit, the more literal one wins, then the one with more fixed
//! query parts.

use std::collections::BTreeMap;

use shapes::{OperationSchema, ServiceSchema};

use crate::{Labels, percent};

/// The paths of one service.
#[derive(Debug)]
pub struct Router {
    root: Branch,
}

/// What stands behind a part of a path.
#[derive(Debug, Default)]
struct Branch {
    literal: BTreeMap<&'static str, Branch>,
    label: Option<Box<Branch>>,
    /// One or more segments.
    greedy: Option<Box<Branch>>,
    /// Templates that end here.
    routes: Vec<Route>,
}

#[derive(Debug)]
struct Route {
    operation: &'static OperationSchema,
    /// Names of the labels on the way, in order.
    labels: Vec<&'static str>,
    /// Whether the last label is greedy and the end of the path.
    ends_greedy: bool,
    /// Query parameters that the template fixes; `None` when any value will do.
    query: Vec<(&'static str, Option<&'static str>)>,
}

/// More segments than any path of AWS has; longer greedy labels are still one walk.
const MOST_SEGMENTS: usize = 1024;

impl Router {
    /// The paths of all operations of `service`, with or without a handler.
    pub fn new(service: &'static ServiceSchema) -> Self {
        let mut root = Branch::default();
        for operation in service.operations {
            root.add(operation);
        }
        Self { root }
    }

    /// The operation for a method, a raw path and a raw query string, with its path labels decoded.
    pub fn find(&self, method: &str, path: &str, query: &str) -> Option<(&'static OperationSchema, Labels)> {
        let segments: Vec<&str> = segments(path).collect();
        if segments.len() > MOST_SEGMENTS {
            return None;
        }
        let mut values = Vec::new();
        let route = self.root.find(&segments, &mut values, &Asked { method, query })?;
        let mut labels = Labels::new();
        for (name, value) in route.labels.iter().zip(values) {
            labels.push((name, percent::decode(&value, false)?.into_owned()));
        }
        // To a greedy label the slash at the end belongs: the S3 key `folder/` is not `folder`.
        if let Some((_, last)) = labels.last_mut().filter(|_| route.ends_greedy && path.ends_with('/')) {
            last.push('/');
        }
        Some((route.operation, labels))
    }
}

/// The segments of a path; an empty last one, as in `/functions/`, does not count.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    path.split('/').filter(move |_| !path.is_empty())
}

struct Asked<'a> {
    method: &'a str,
    query: &'a str,
}

impl Branch {
    fn add(&mut self, operation: &'static OperationSchema) {
        let (path, query) = operation.uri.split_once('?').unwrap_or((operation.uri, ""));
        let mut labels = Vec::new();
        let mut branch = self;
        for segment in segments(path) {
            let label = segment.strip_prefix('{').and_then(|segment| segment.strip_suffix('}'));
            branch = match label {
                None => branch.literal.entry(segment).or_default(),
                Some(label) => {
                    let greedy = label.strip_suffix('+');
                    labels.push(greedy.unwrap_or(label));
                    let next = if greedy.is_some() { &mut branch.greedy } else { &mut branch.label };
                    next.get_or_insert_default()
                }
            };
        }
        let query = query
            .split('&')
            .filter(|part| !part.is_empty())
            .map(|part| part.split_once('=').map_or((part, None), |(name, value)| (name, Some(value))))
            .collect();
        branch.routes.push(Route { operation, labels, ends_greedy: path.ends_with("+}"), query });
        branch.routes.sort_by_key(|route| std::cmp::Reverse(route.query.len()));
    }

    fn find(&self, segments: &[&str], values: &mut Vec<String>, asked: &Asked<'_>) -> Option<&Route> {
        let Some((first, rest)) = segments.split_first() else {
            return self.routes.iter().find(|route| route.fits(asked));
        };
        let held = values.len();
        if let Some(route) = self.literal.get(*first).and_then(|branch| branch.find(rest, values, asked)) {
            return Some(route);
        }
        values.truncate(held);
        if let Some(branch) = self.label.as_ref().filter(|_| !first.is_empty()) {
            values.push((*first).to_owned());
            if let Some(route) = branch.find(rest, values, asked) {
                return Some(route);
            }
            values.truncate(held);
        }
        self.find_greedy(segments, values, asked)
    }

    /// A greedy label takes as much as what comes after it lets it.
    fn find_greedy(&self, segments: &[&str], values: &mut Vec<String>, asked: &Asked<'_>) -> Option<&Route> {
        let branch = self.greedy.as_ref()?;
        let is_last = branch.literal.is_empty() && branch.label.is_none();
        let held = values.len();
        let shortest = if is_last { segments.len() } else { 1 };
        for length in (shortest..=segments.len()).rev() {
            values.push(segments[..length].join("/"));
            if let Some(route) = branch.find(&segments[length..], values, asked) {
                return Some(route);
            }
            values.truncate(held);
        }
        None
    }
}

impl Route {
    fn fits(&self, asked: &Asked<'_>) -> bool {
        let has = |(name, value): &(&str, Option<&str>)| {
            percent::raw_pairs(asked.query).any(|(other, given)| {
                other == *name && value.is_none_or(|value| value.is_empty() || value == given)
            })
        };
        self.operation.method == asked.method && self.query.iter().all(has)
    }
}

#[cfg(test)]
mod tests {
    use shapes::{OperationSchema, Protocol, ServiceSchema, StructShape};

    use super::Router;

    const fn operation(name: &'static str, method: &'static str, uri: &'static str) -> OperationSchema {
        OperationSchema {
            name,
            method,
            uri,
            status: 200,
            has_handler: false,
            input: &StructShape::EMPTY,
            output: &StructShape::EMPTY,
            result_wrapper: None,
            input_element: None,
            input_namespace: None,
            errors: &[],
            is_unsigned: false,
        }
    }

    static SERVICE: ServiceSchema = ServiceSchema {
        name: "store",
        service_id: "Store",
        signing_name: "store",
        endpoint_prefix: "store",
        action_prefix: "store",
        api_version: "2020-01-01",
        target_prefix: "",
        protocols: &[Protocol::RestXml],
        xml_namespace: None,
        query_compatible: false,
        operations: &[
            operation("GetKey", "GET", "/{Bucket}/{Key+}"),
            operation("GetKeyTags", "GET", "/{Bucket}/{Key+}?tagging"),
            operation("List", "GET", "/{Bucket}"),
            operation("ListV2", "GET", "/{Bucket}?list-type=2"),
            operation("ListAll", "GET", "/"),
            operation("ListFunctions", "GET", "/2015-03-31/functions/"),
            operation("GetFunction", "GET", "/2015-03-31/functions/{Name}"),
            operation("GetPolicy", "GET", "/2015-03-31/functions/{Name}/policy"),
            operation("GetVersions", "GET", "/things/{Path+}/versions"),
        ],
    };

    #[test]
    fn the_most_specific_template_wins() {
        let router = Router::new(&SERVICE);
        for (path, query, expected) in [
            ("/", "", "ListAll []"),
            ("/b", "", "List [Bucket=b]"),
            ("/b/", "list-type=2&prefix=x", "ListV2 [Bucket=b]"),
            ("/b", "list-type=1", "List [Bucket=b]"),
            ("/b/k/l%20m", "", "GetKey [Bucket=b,Key=k/l m]"),
            ("/b/k//l/", "", "GetKey [Bucket=b,Key=k//l/]"),
            ("/b/k", "tagging", "GetKeyTags [Bucket=b,Key=k]"),
            ("/b/k", "tagging=", "GetKeyTags [Bucket=b,Key=k]"),
            ("/2015-03-31/functions", "", "ListFunctions []"),
            ("/2015-03-31/functions/arn%3Aaws%2Ff/policy", "", "GetPolicy [Name=arn:aws/f]"),
            ("/2015-03-31/functions/f", "Qualifier=1", "GetFunction [Name=f]"),
            ("/things/a/b/versions", "", "GetVersions [Path=a/b]"),
        ] {
            let (operation, labels) = router.find("GET", path, query).expect(path);
            let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
            assert_eq!(format!("{} [{}]", operation.name, labels.join(",")), expected);
        }
        assert!(router.find("PUT", "/b", "").is_none());
        assert!(router.find("GET", "/b/%ff", "").is_none());
        assert!(router.find("GET", &"/x".repeat(5000), "").is_none());
    }
}
