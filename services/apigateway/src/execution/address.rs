//! The URLs of deployed APIs.

use http::request::Parts;

/// An API's URL, taken apart.
pub(super) struct Address<'a> {
    pub api: &'a str,
    pub stage: &'a str,
    pub path: String,
}

impl<'a> Address<'a> {
    /// `{api}.execute-api.*` hosts, and the paths that scripts for other local clouds use.
    pub(super) fn of(head: &'a Parts) -> Option<Self> {
        let path = head.uri.path();
        let host = head.uri.authority().map(|authority| authority.as_str());
        let host = host.or_else(|| head.headers.get("host")?.to_str().ok()).unwrap_or_default();
        if let Some((api, rest)) = host.split_once('.')
            && rest.starts_with("execute-api.")
        {
            let (stage, rest) = split_first(path);
            return Some(Self { api, stage, path: rest.to_owned() });
        }
        if let Some(rest) = path.strip_prefix("/restapis/") {
            let (api, rest) = rest.split_once('/')?;
            let (stage, rest) = rest.split_once('/')?;
            let rest = rest.strip_prefix("_user_request_")?;
            return Some(Self {
                api,
                stage,
                path: if rest.is_empty() { "/".to_owned() } else { rest.to_owned() },
            });
        }
        let (api, rest) = path.strip_prefix("/_aws/execute-api/")?.split_once('/')?;
        let (stage, rest) = split_first(rest);
        Some(Self { api, stage, path: rest.to_owned() })
    }
}

/// `/prod/orders/1` → `prod`, `/orders/1`
fn split_first(path: &str) -> (&str, &str) {
    let path = path.trim_start_matches('/');
    match path.find('/') {
        Some(slash) => (&path[..slash], &path[slash..]),
        None => (path, "/"),
    }
}
