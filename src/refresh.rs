//! The refresh that most requests are, as a raw function.
//!
//! A generated method that answers through a promise of its own costs more than the whole refresh does in memory: arguments
//! and answer cross property by property, and each promise brings an event-loop handle. Here strings cross, and an answer that
//! is there by the end of the call is what the call returns; any other comes as a letter.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use keyturn_core::{
    encoding::json::write_string,
    error::{Code, Error},
    session::{Answer as Done, Failure, Granted, Manager, RefreshRequest},
};
use napi::{Env, Unknown};
use napi_derive::napi;

use crate::{
    error::{Thrown, number},
    hot::{self, Answer, Arguments, HotState},
    inbox::{Inbox, NativeInbox},
    session::NativeSessions,
    time,
};

/// No refresh token and no access token is longer; what is, is none of ours.
const LONGEST_TOKEN: usize = 65_536;

/// An origin this long is compared with nothing any more.
const LONGEST_ORIGIN: usize = 1024;

/// A function that refreshes without context, access token or decision. It returns the JSON text of a `PairAnswer`; 0 if that
/// comes as a letter under `ticket`; or an error number. `report`: milliseconds since the user's last input.
#[napi(
    catch_unwind,
    ts_return_type = "(token: string, now: number, ticket: number, report?: number | undefined, origin?: string | undefined) => string | number"
)]
pub fn create_refresher<'env>(
    env: &'env Env,
    sessions: &NativeSessions,
    inbox: &NativeInbox,
) -> Result<Unknown<'env>, Thrown> {
    let state = Refresher {
        manager: Arc::clone(&sessions.manager),
        inbox: inbox.shared(),
        token: Vec::new(),
        origin: Vec::new(),
        answer: String::new(),
    };
    hot::function(env, state).map_err(|error| Thrown::new(Code::Internal.as_str(), error.reason.clone()))
}

struct Refresher {
    manager: Arc<Manager>,
    inbox: Arc<Inbox>,
    token: Vec<u8>,
    origin: Vec<u8>,
    answer: String,
}

impl HotState for Refresher {
    fn call(&mut self, arguments: &Arguments) -> Result<Answer<'_>, Error> {
        let token = arguments.text(0, &mut self.token, LONGEST_TOKEN);
        let token = token.ok().flatten().and_then(|token| str::from_utf8(token).ok());
        let origin = arguments.text(4, &mut self.origin, LONGEST_ORIGIN);
        let request = RefreshRequest {
            report: arguments.number(3).map(time::span),
            origin: origin.ok().flatten().and_then(|origin| str::from_utf8(origin).ok()),
            ..RefreshRequest::new(token.ok_or(Code::RefreshInvalid)?)
        };
        let ticket = time::span(arguments.number(2).unwrap_or_default()).as_millis();
        let reply = Reply {
            place: Arc::default(),
            inbox: Arc::clone(&self.inbox),
            ticket: u32::try_from(ticket).unwrap_or_default(),
            given: false,
        };
        let place = Arc::clone(&reply.place);
        self.manager.refresh(&request, arguments.time(1), reply.into_done());
        // Whatever answers from here on finds nobody waiting and writes a letter.
        match std::mem::replace(&mut *lock(&place), Place::Left) {
            Place::Answered(text) => {
                self.answer = text;
                Ok(Answer::Text(&self.answer))
            }
            Place::Waiting | Place::Left => Ok(Answer::Number(0.0)),
        }
    }
}

/// Where the call waits for its answer until it returns.
#[derive(Default)]
enum Place {
    #[default]
    Waiting,
    Answered(String),
    Left,
}

/// An answer that is still to be given. Dropping it gives an internal error, so that no caller ever waits for one that was
/// lost.
struct Reply {
    place: Arc<Mutex<Place>>,
    inbox: Arc<Inbox>,
    ticket: u32,
    given: bool,
}

impl Reply {
    fn into_done(mut self) -> Done<Granted> {
        Box::new(move |result| self.give(text_of(&result)))
    }

    fn give(&mut self, text: String) {
        self.given = true;
        let mut place = lock(&self.place);
        if matches!(*place, Place::Waiting) {
            *place = Place::Answered(text);
        } else {
            drop(place);
            self.inbox.send(self.ticket, text);
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if !self.given {
            self.give(text_of(&Err(Error::new(Code::Internal).into())));
        }
    }
}

/// The JSON text of a `PairAnswer`.
fn text_of(result: &Result<Granted, Failure>) -> String {
    match result {
        Ok(granted) => text_of_grant(granted),
        Err(failure) => text_of_failure(failure),
    }
}

// Writing to a String cannot fail.
fn text_of_grant(granted: &Granted) -> String {
    let issued = &granted.issued;
    let record = &issued.record;
    let tokens = issued.access_token.len() + issued.refresh_token.len();
    let mut out =
        String::with_capacity(tokens + record.subject.len() + record.device.as_ref().map_or(0, String::len) + 384);
    out.push_str("{\"pair\":{\"accessToken\":");
    write_string(&issued.access_token, &mut out);
    out.push_str(",\"refreshToken\":");
    write_string(&issued.refresh_token, &mut out);
    let _written = write!(
        out,
        ",\"expiresAt\":{},\"outcome\":\"{}\"",
        issued.expires_at.as_millis(),
        granted.outcome.as_str(),
    );
    if granted.elsewhere {
        out.push_str(",\"elsewhere\":true");
    }
    if let Some(contention) = granted.contention {
        let _written = write!(out, ",\"contention\":\"{}\"", contention.as_str());
    }
    let _written = write!(out, ",\"session\":{{\"id\":\"{}\",\"subject\":", record.sid);
    write_string(&record.subject, &mut out);
    if let Some(device) = &record.device {
        out.push_str(",\"device\":");
        write_string(device, &mut out);
    }
    let _written = write!(
        out,
        ",\"startedAt\":{},\"lastActivityAt\":{},\"idleEndsAt\":{},\"absoluteEndsAt\":{}}}}}}}",
        record.sid.time().as_millis(),
        record.last_activity.as_millis(),
        record.idle_end().min(record.absolute_end).as_millis(),
        record.absolute_end.as_millis(),
    );
    out
}

fn text_of_failure(failure: &Failure) -> String {
    let mut out = String::new();
    let _written = write!(out, "{{\"failure\":{{\"error\":{}", number(failure.error));
    if let Some(detail) = &failure.detail {
        out.push_str(",\"detail\":");
        write_string(detail, &mut out);
    }
    if let Some(sid) = failure.sid {
        let _written = write!(out, ",\"sid\":\"{sid}\"");
    }
    if let Some(subject) = &failure.subject {
        out.push_str(",\"subject\":");
        write_string(subject, &mut out);
    }
    out.push_str("}}");
    out
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
