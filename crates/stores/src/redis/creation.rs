//! Storing a new session, and making room for it.
//!
//! Nobody has its token before all of this is done, so whatever stops in between leaves a session without an owner. What
//! gives way is ended last: a sign-in that fails costs nobody else the session.

use futures_util::future;
use keyturn_core::{
    error::Code,
    revocation::Revocation,
    session::{Record, SessionLimit, make_room},
    store::{CreateAsk, Created, StoreError},
    time::{Span, UnixMs},
};

use super::{
    ending::{Ending, Outcome, end_one},
    record::fields,
    revocations,
    script::{ADMIT, CREATE, Call, INDEX},
    sessions::{load_all, of_subject},
    step::Step,
};

/// How long a session is kept beyond its absolute end at most; the purge comes earlier.
const MARGIN: Span = Span::from_secs(24 * 3600);

/// How often room is looked for while other sign-ins of the subject come in between.
const TRIES: usize = 100;

/// Stores a new session, unless a limit refuses it.
pub(super) async fn create(step: &Step, ask: &CreateAsk) -> Result<Created, StoreError> {
    let made = &ask.record;
    if let Some(limit) = ask.limit {
        let lives = life(made);
        let session = session(step, made, lives);
        let of_all = entry(step.names.part_of(&made.sid), made, lives, UnixMs::default());
        // The record first, so that whoever counts the index's sessions finds it.
        let (stored, _) = future::try_join(step.run::<i64>(&session), step.run::<i64>(&of_all)).await?;
        is_new(stored)?;
        return admit(step, ask, limit, lives).await;
    }
    store(step, made).await?;
    Ok(Created {
        admitted: true,
        ended: Vec::new(),
    })
}

/// Stores a session without counting.
pub(super) async fn store(step: &Step, made: &Record) -> Result<(), StoreError> {
    let lives = life(made);
    // Of the list of all the purge takes out what is over: it must find the sessions in it. Here it is long gone.
    let of_all = entry(step.names.part_of(&made.sid), made, lives, UnixMs::default());
    let of_subject = entry(
        step.names.subject(&made.subject),
        made,
        lives,
        made.latest().minus(MARGIN),
    );
    let (stored, _, _) = future::try_join3(
        step.run::<i64>(&session(step, made, lives)),
        step.run::<i64>(&of_all),
        step.run::<i64>(&of_subject),
    )
    .await?;
    is_new(stored)
}

/// How long Redis keeps a session at most.
fn life(made: &Record) -> Span {
    let left = made.absolute_end.since(made.latest());
    Span::from_millis(left.as_millis().saturating_add(MARGIN.as_millis()))
}

fn session(step: &Step, made: &Record, lives: Span) -> Call {
    let call = Call::new(&CREATE, [step.names.session(&made.sid)]).number(lives.as_millis());
    let fields = fields(made);
    fields
        .into_iter()
        .fold(call, |call, (name, value)| call.arg(name).arg(value))
}

fn entry(index: String, made: &Record, lives: Span, useless: UnixMs) -> Call {
    Call::new(&INDEX, [index])
        .number(made.absolute_end.as_millis())
        .arg(made.sid.to_string())
        .number(lives.as_millis())
        .number(useless.as_millis())
}

fn is_new(stored: i64) -> Result<(), StoreError> {
    if stored == 1 {
        return Ok(());
    }
    Err(StoreError::new(
        Code::Internal,
        "there is a session of this sid already",
    ))
}

/// Makes room and takes the place, again from the start whenever another sign-in has come in between.
async fn admit(step: &Step, ask: &CreateAsk, limit: SessionLimit, lives: Span) -> Result<Created, StoreError> {
    let made = &ask.record;
    let index = step.names.subject(&made.subject);
    for _ in 0..TRIES {
        let mut command = redis::cmd("ZRANGE");
        command.arg(&index).arg(0).arg(-1);
        let known: Vec<String> = step.read(&index, &command).await?;
        let entries = of_subject(step, &made.subject).await?;
        let mut others = load_all(step, entries.into_iter().map(|(sid, _)| sid).collect()).await?;
        let over: Vec<_> = others
            .iter()
            .filter(|record| !record.is_open(ask.now))
            .map(|record| record.sid)
            .collect();
        others.retain(|record| record.is_open(ask.now) && record.subject == made.subject);
        if !make_room(limit, &mut others, ask.now) {
            discard(step, made).await?;
            return Ok(Created::default());
        }
        others.retain(|record| record.ended.is_some());
        let gone: Vec<_> = others.iter().map(|record| record.sid).chain(over).collect();
        let call = Call::new(&ADMIT, [index.clone()])
            .number(made.absolute_end.as_millis())
            .arg(made.sid.to_string())
            .number(lives.as_millis())
            .arg(gone.len().to_string());
        let call = gone.iter().fold(call, |call, sid| call.arg(sid.to_string()));
        let call = known.iter().fold(call, Call::arg);
        if step.run::<i64>(&call).await? == 1 {
            let ended = give_way(step, &others, &known).await?;
            return Ok(Created { admitted: true, ended });
        }
    }
    Err(StoreError::new(
        Code::StoreUnavailable,
        "too many sign-ins of one subject at once",
    ))
}

/// Ends what gives way: first what revokes its tokens. One that was renewed meanwhile takes with it what has come in its place,
/// unless that was `counted` itself.
async fn give_way(step: &Step, records: &[Record], counted: &[String]) -> Result<Vec<Record>, StoreError> {
    let news: Vec<Revocation> = records.iter().filter_map(Record::revocation).collect();
    revocations::store(step, &news).await?;
    let mut ended = Vec::with_capacity(records.len());
    for record in records {
        let Some(end) = record.ended else { continue };
        let ending = Ending {
            at: end.at,
            reason: end.reason,
            activity: String::new(),
            subject: None,
            unless_changed: None,
            successor: None,
        };
        let mut sid = record.sid;
        while let Some(gone) = end_one(step, &sid, &ending).await? {
            let successor = gone
                .successor
                .filter(|sid| gone.outcome == Outcome::Before && !counted.contains(&sid.to_string()));
            ended.push(gone.record);
            let Some(successor) = successor else { break };
            revocations::store(step, &[Revocation::session(successor, end.at)]).await?;
            sid = successor;
        }
    }
    Ok(ended)
}

/// Takes back a session that was not admitted.
pub(super) async fn discard(step: &Step, made: &Record) -> Result<(), StoreError> {
    let session = step.names.session(&made.sid);
    let mut command = redis::cmd("UNLINK");
    command.arg(&session);
    step.write::<i64>(&session, &command).await?;
    let part = step.names.part_of(&made.sid);
    let mut command = redis::cmd("ZREM");
    command.arg(&part).arg(made.sid.to_string());
    step.write::<i64>(&part, &command).await?;
    Ok(())
}
