//! Requests of this machine's own users: its programs, and pages that the region itself serves.

use std::net::IpAddr;

use http::header::{HOST, HeaderMap, ORIGIN};
use http::request::Parts;
use http::{Method, Uri};

/// Whether a request comes from this machine, and from none of the pages that a browser on it shows for others.
pub fn is_local(head: &Parts, peer: Option<IpAddr>) -> bool {
    peer.is_some_and(|peer| peer.is_loopback()) && is_own_page(&head.method, &head.uri, &head.headers)
}

/// Whether a request is a program's, or comes from a page that the region itself serves.
///
/// A page of another site could make its own name mean this machine (DNS rebinding); then its requests name that
/// site's host. A page on another port of this machine is another origin, and sends its own or says `same-site`.
pub fn is_own_page(method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
    let authority = uri.authority().map(|authority| authority.as_str());
    let Some(host) = authority.or_else(|| text(headers, HOST.as_str())) else {
        return !headers.contains_key(ORIGIN);
    };
    names_this_machine(host) && is_same_origin(headers, host) && is_fetched_here(method, headers)
}

fn names_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.parse::<IpAddr>().is_ok() || name == "localhost" || name.ends_with(".localhost")
}

/// What browsers say of the page that asks (Fetch Standard, `Origin`).
fn is_same_origin(headers: &HeaderMap, host: &str) -> bool {
    if !headers.contains_key(ORIGIN) {
        return true;
    }
    let origin = text(headers, ORIGIN.as_str()).and_then(|origin| origin.split_once("://"));
    origin.is_some_and(|(_, authority)| authority == host)
}

/// What they say of it where they leave its origin out (W3C Fetch Metadata Request Headers).
fn is_fetched_here(method: &Method, headers: &HeaderMap) -> bool {
    match text(headers, "sec-fetch-site") {
        None | Some("same-origin" | "none") => true,
        // A link that somebody followed: whoever placed it does not see where it leads.
        Some(_) => *method == Method::GET && text(headers, "sec-fetch-mode") == Some("navigate"),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use http::Request;

    use super::is_local;

    fn asked(method: &str, headers: &[(&str, &str)]) -> bool {
        let mut request = Request::builder().method(method).uri("/_brume/api/clock");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let head = request.body(()).expect("the request is sound").into_parts().0;
        is_local(&head, Some(IpAddr::from([127, 0, 0, 1])))
    }

    #[test]
    fn programs_of_this_machine_and_the_regions_own_pages_are_let_in() {
        assert!(asked("POST", &[("host", "127.0.0.1:4566")]));
        assert!(asked("GET", &[("host", "localhost:4566"), ("sec-fetch-site", "none")]));
        let own = [
            ("host", "localhost:4566"),
            ("origin", "http://localhost:4566"),
            ("sec-fetch-site", "same-origin"),
        ];
        assert!(asked("POST", &own));
        assert!(asked("GET", &[("host", "[::1]:4566"), ("origin", "http://[::1]:4566")]));
        assert!(asked(
            "GET",
            &[("host", "127.0.0.1:4566"), ("sec-fetch-site", "same-site"), ("sec-fetch-mode", "navigate")]
        ));
    }

    #[test]
    fn pages_of_others_are_not_let_in() {
        for headers in [
            &[("host", "rebound.example.com:4566")][..],
            &[("host", "127.0.0.1.example.com")],
            &[("host", "127.0.0.1:4566"), ("origin", "https://example.com")],
            &[("host", "127.0.0.1:4566"), ("origin", "null")],
            &[("host", "127.0.0.1:4566"), ("origin", "http://127.0.0.1:3000")],
            &[("host", "127.0.0.1:4566"), ("sec-fetch-site", "cross-site")],
            &[("host", "127.0.0.1:4566"), ("sec-fetch-site", "same-site"), ("sec-fetch-mode", "no-cors")],
        ] {
            assert!(!asked("GET", headers), "{headers:?}");
            assert!(!asked("POST", headers), "{headers:?}");
        }
    }

    #[test]
    fn other_machines_are_not_let_in() {
        let head =
            Request::builder().header("host", "127.0.0.1").body(()).expect("it is sound").into_parts().0;
        assert!(!is_local(&head, Some(IpAddr::from([192, 0, 2, 1]))));
        assert!(!is_local(&head, None));
    }
}
