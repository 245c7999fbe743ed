//! The refresh that most requests are, as a raw function.
//!
//! A generated method that answers through a promise of its own costs more than the whole refresh does in memory: arguments
//! and answer cross property by property, and each promise brings an event-loop handle. Here strings cross, and an answer that
//! is there by the end of the call is what the call returns; any other comes as a letter. The parts of a plain rotation are
//! fetched one by one: ten such calls cost a third of reading JSON.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use keyturn_core::{
    encoding::json::write_string,
    error::{Code, Error},
    session::{Answer as Done, Failure, Granted, IdText, Manager, RefreshRequest, rotation::Outcome},
    time::Span,
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
///
/// What most refreshes come to, a rotation of which there is nothing else to tell, it returns as -1, or -2 if the session has a
/// device label. Called with a number alone it then answers a part of that: 0 the access token, 1 the refresh token, 2 when the
/// former expires, 3 the session, 4 its subject, 5 its start, 6 its last activity, 7 and 8 its idle and its absolute end, 9 its
/// device.
#[napi(
    catch_unwind,
    ts_return_type = "{ (token: string, now: number, ticket: number, report?: number | undefined, origin?: string | undefined): string | number; (part: number): string | number }"
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
        place: Arc::default(),
        answer: Held::Nothing,
    };
    hot::function(env, state).map_err(|error| Thrown::new(Code::Internal.as_str(), error.reason.clone()))
}

struct Refresher {
    manager: Arc<Manager>,
    inbox: Arc<Inbox>,
    token: Vec<u8>,
    origin: Vec<u8>,
    /// That of the last call, used again unless somebody may still answer there.
    place: Arc<Mutex<Place>>,
    answer: Held,
}

/// The last answer, as far as it is still to be read.
enum Held {
    Nothing,
    Rotated(Box<Granted>, IdText),
    Text(String),
}

impl HotState for Refresher {
    fn call(&mut self, arguments: &Arguments) -> Result<Answer<'_>, Error> {
        if arguments.count() == 1 {
            return self.part(arguments.number(0));
        }
        self.answer = Held::Nothing;
        let token = arguments.text(0, &mut self.token, LONGEST_TOKEN);
        let token = token.ok().flatten().and_then(|token| str::from_utf8(token).ok());
        let origin = arguments.text(4, &mut self.origin, LONGEST_ORIGIN);
        let request = RefreshRequest {
            report: arguments.number(3).map(time::span),
            origin: origin.ok().flatten().and_then(|origin| str::from_utf8(origin).ok()),
            ..RefreshRequest::new(token.ok_or(Code::RefreshInvalid)?)
        };
        let ticket = time::span(arguments.number(2).unwrap_or_default()).as_millis();
        match Arc::get_mut(&mut self.place) {
            Some(place) => *place = Mutex::default(),
            None => self.place = Arc::default(),
        }
        let reply = Reply {
            place: Arc::clone(&self.place),
            inbox: Arc::clone(&self.inbox),
            ticket: u32::try_from(ticket).unwrap_or_default(),
            given: false,
        };
        self.manager.refresh(&request, arguments.time(1), reply.into_done());
        // Whatever answers from here on finds nobody waiting and writes a letter.
        let answer = std::mem::replace(&mut *lock(&self.place), Place::Left);
        match answer {
            Place::Answered(answer) => Ok(self.hold(answer)),
            Place::Waiting | Place::Left => Ok(Answer::Number(0.0)),
        }
    }
}

impl Refresher {
    /// Keeps an answer for as long as it is read, and says what the call returns for it.
    fn hold(&mut self, answer: Result<Box<Granted>, Failure>) -> Answer<'_> {
        match answer {
            Ok(granted) if is_plain(&granted) => {
                let device = granted.issued.record.device.is_some();
                let sid = granted.issued.record.sid.text();
                self.answer = Held::Rotated(granted, sid);
                Answer::Number(if device { -2.0 } else { -1.0 })
            }
            answer => {
                self.answer = Held::Text(text_of(&answer));
                match &self.answer {
                    Held::Text(text) => Answer::Text(text),
                    _ => Answer::Number(0.0),
                }
            }
        }
    }

    /// A part of a rotation that was answered last.
    fn part(&self, number: Option<f64>) -> Result<Answer<'_>, Error> {
        let Held::Rotated(granted, sid) = &self.answer else {
            return Err(Code::Internal.into());
        };
        let issued = &granted.issued;
        let record = &issued.record;
        let time = |at| Answer::Number(time::to_js(at));
        Ok(match number.map(time::span).map(Span::as_millis) {
            Some(0) => Answer::Text(&issued.access_token),
            Some(1) => Answer::Text(&issued.refresh_token),
            Some(2) => time(issued.expires_at),
            Some(3) => Answer::Text(sid.as_str()),
            Some(4) => Answer::Text(&record.subject),
            Some(5) => time(record.sid.time()),
            Some(6) => time(record.last_activity),
            Some(7) => time(record.idle_end().min(record.absolute_end)),
            Some(8) => time(record.absolute_end),
            Some(9) => Answer::Text(record.device.as_deref().unwrap_or_default()),
            _ => return Err(Code::Internal.into()),
        })
    }
}

/// Whether there is nothing to tell of it but the pair and its session.
fn is_plain(granted: &Granted) -> bool {
    granted.outcome == Outcome::Rotated && !granted.elsewhere && granted.contention.is_none()
}

/// Where the call waits for its answer until it returns.
#[derive(Default)]
enum Place {
    #[default]
    Waiting,
    Answered(Result<Box<Granted>, Failure>),
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
        Box::new(move |result| self.give(result.map(Box::new)))
    }

    fn give(&mut self, answer: Result<Box<Granted>, Failure>) {
        self.given = true;
        let mut place = lock(&self.place);
        if matches!(*place, Place::Waiting) {
            *place = Place::Answered(answer);
        } else {
            drop(place);
            self.inbox.send(self.ticket, text_of(&answer));
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if !self.given {
            self.give(Err(Error::new(Code::Internal).into()));
        }
    }
}

/// The JSON text of a `PairAnswer`.
fn text_of(result: &Result<Box<Granted>, Failure>) -> String {
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
