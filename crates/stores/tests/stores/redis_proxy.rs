//! A way to a Redis server on which something happens in between.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use crate::redis_server::RedisServer;

/// A port from which everything goes on to `server`. Whenever one of the connections is about to send something that contains
/// `word`, `before` is called first, and the connection waits for it.
pub(crate) fn proxy(server: &RedisServer, word: &'static str, before: impl Fn() + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (to, before) = (server.port, Arc::new(before));
    // It ends with the process.
    thread::spawn(move || {
        for client in listener.incoming() {
            let Ok(client) = client else { continue };
            let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else {
                continue;
            };
            let answers = (server.try_clone().unwrap(), client.try_clone().unwrap());
            thread::spawn(move || pass(answers.0, answers.1, |_| {}));
            let before = Arc::clone(&before);
            thread::spawn(move || {
                pass(client, server, |sent| {
                    if sent.windows(word.len()).any(|part| part == word.as_bytes()) {
                        before();
                    }
                });
            });
        }
    });
    port
}

fn pass(mut from: TcpStream, mut to: TcpStream, mut look: impl FnMut(&[u8])) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        look(&buffer[..count]);
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _gone = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
