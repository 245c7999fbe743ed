//! Claims that take the place of some that a session carries.

use super::access_token::{MAX_CLAIMS_BYTES, RESERVED, TOO_LONG, carried_claims};
use crate::{
    encoding::json::{Value, scan_object, write_string},
    error::{Code, Error},
};

/// What is put in place of a session's claims; what is not given stays as it is. An application's own claims are replaced
/// as a whole.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ClaimsChange {
    members: Members,
}

/// The members of a JSON object by what becomes of them, each as finished text; `own` may hold several.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Members {
    roles: Option<String>,
    permissions: Option<String>,
    own: Option<String>,
}

impl ClaimsChange {
    /// A change to these. `own` is the text of a JSON object; [`Code::ClaimsInvalid`] as at a sign-in.
    pub fn new(roles: Option<&[String]>, permissions: Option<&[String]>, own: Option<&str>) -> Result<Self, Error> {
        let members = Members {
            roles: roles.map(|roles| carried_claims(Some(roles), None, None)).transpose()?,
            permissions: permissions
                .map(|names| carried_claims(None, Some(names), None))
                .transpose()?,
            own: own.map(|own| carried_claims(None, None, Some(own))).transpose()?,
        };
        let change = Self { members };
        change.apply("")?;
        Ok(change)
    }

    /// The claims that a session carries from now on, given those that it carried. More than 4 KiB are
    /// [`Code::ClaimsInvalid`].
    pub fn apply(&self, carried: &str) -> Result<String, Error> {
        let before = Members::read(&format!("{{{carried}}}"))?;
        let changed = Members {
            roles: self.members.roles.clone().or(before.roles),
            permissions: self.members.permissions.clone().or(before.permissions),
            own: self.members.own.clone().or(before.own),
        };
        let text = changed.join();
        if text.len() > MAX_CLAIMS_BYTES {
            return Err(TOO_LONG);
        }
        Ok(text)
    }
}

impl Members {
    /// Sorts the members of an object. Those that keyturn sets anew in each token are left out.
    fn read(object: &str) -> Result<Self, Error> {
        let mut members = Self::default();
        let gathered = scan_object(object, |name, value| {
            let name = name.decode();
            let place = match &*name {
                "roles" => &mut members.roles,
                "permissions" => &mut members.permissions,
                registered if RESERVED.contains(&registered) => return,
                _ => &mut members.own,
            };
            let text = place.get_or_insert_default();
            if !text.is_empty() {
                text.push(',');
            }
            write_string(&name, text);
            text.push(':');
            write_value(value, text);
        });
        gathered.map_err(|fault| Error::because(Code::ClaimsInvalid, fault.as_str()))?;
        Ok(members)
    }

    fn join(self) -> String {
        let parts = [self.roles, self.permissions, self.own];
        let parts: Vec<String> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
        parts.join(",")
    }
}

fn write_value(value: Value<'_>, out: &mut String) {
    match value {
        Value::Array(text) | Value::Number(text) | Value::Object(text) => out.push_str(text),
        Value::Bool(value) => out.push_str(if value { "true" } else { "false" }),
        Value::Null => out.push_str("null"),
        Value::String(text) => write_string(&text.decode(), out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARRIED: &str =
        r#""roles":["user"],"permissions":["a:b"],"tenant":7,"name":"caf\u00e9 \"x\"","o":{"a":[1, 2]}"#;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn json(members: &str) -> serde_json::Value {
        serde_json::from_str(&format!("{{{members}}}")).unwrap()
    }

    #[test]
    fn what_is_given_is_replaced_and_the_rest_is_kept() {
        let change = ClaimsChange::new(Some(&names(&["admin"])), None, None).unwrap();
        let changed = json(&change.apply(CARRIED).unwrap());
        let mut expected = json(CARRIED);
        expected["roles"] = serde_json::json!(["admin"]);
        assert_eq!(changed, expected);
        let own = ClaimsChange::new(None, Some(&[]), Some(r#"{"plan":"pro"}"#)).unwrap();
        assert_eq!(
            own.apply(CARRIED).unwrap(),
            r#""roles":["user"],"permissions":[],"plan":"pro""#
        );
    }

    #[test]
    fn an_empty_object_takes_the_own_claims_away_and_no_change_changes_nothing() {
        let none = ClaimsChange::new(None, None, Some("{}")).unwrap();
        assert_eq!(none.apply(r#""tenant":7"#).unwrap(), "");
        let unchanged = ClaimsChange::default().apply(CARRIED).unwrap();
        assert_eq!(json(&unchanged), json(CARRIED));
        assert_eq!(ClaimsChange::default().apply("").unwrap(), "");
    }

    #[test]
    fn the_sum_has_the_bound_of_a_sign_in() {
        let own = format!(r#""a":"{}""#, "x".repeat(4000));
        let change = ClaimsChange::new(Some(&names(&[&"r".repeat(100)])), None, None).unwrap();
        assert_eq!(change.apply(&own).unwrap_err().code(), Code::ClaimsInvalid);
        let refused = [r#"{"sub":"eve"}"#, r#"{"roles":[]}"#, "[]", r#"{"a":1,"a":2}"#];
        for own in refused {
            let error = ClaimsChange::new(None, None, Some(own)).unwrap_err();
            assert_eq!(error.code(), Code::ClaimsInvalid, "{own}");
        }
    }
}
