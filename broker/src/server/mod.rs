//! Runs a [`Broker`] on threads: one for the broker, one that writes its state, and one that takes the administrative
//! requests of those who may write the state file.

mod admin_socket;
mod http_sfu;
mod recorder;
mod run;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use farwire_core::signalling::{Failure, Request, RequestId, Response};
use farwire_core::wire::teleop::path;
use farwire_listener::{Incoming, Reply, Route, Site};

use self::admin_socket::AdminSocket;
pub use self::http_sfu::HttpSfu;
use self::recorder::Recorder;
use self::run::{Inbox, Input, Runner};
use crate::admin::{AdminAnswer, AdminRequest};
use crate::broker::Broker;
use crate::config::Config;
use crate::limits::MAX_BODY;
use crate::metrics::PREFIX;
use crate::stats::Stats;
use crate::store::{Store, StoreError};

/// How long a broker that stops waits for the SFU to close what is to be closed.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// Requests for TURN credentials at once.
const MINTING_THREADS: usize = 4;

/// Carries requests to an SFU.
pub trait SfuTransport: Send {
    /// Makes a request, without blocking; what comes of it is given to `answer`, from whatever thread.
    fn start(&mut self, request: Request, answer: Answer);
}

/// Where the answer to one request goes. Dropped unused, it tells the broker that there is none.
#[derive(Debug)]
pub struct Answer {
    id: RequestId,
    inputs: Option<Sender<Input>>,
}

impl Answer {
    fn new(id: RequestId, inputs: Sender<Input>) -> Answer {
        Answer { id, inputs: Some(inputs) }
    }

    /// Tells the broker what came of the request.
    pub fn send(mut self, result: Result<Response, Failure>) {
        self.tell(result);
    }

    fn tell(&mut self, result: Result<Response, Failure>) {
        if let Some(inputs) = self.inputs.take() {
            // A broker that has stopped needs no answer.
            let _ = inputs.send(Input::Answer(self.id, result));
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.tell(Err(Failure::Broken("the server has stopped, or is overloaded".into())));
    }
}

/// A broker that runs until it is dropped. It then waits up to 2 s for the SFU to close what is to be closed, and leaves
/// the sessions of robots and operators that are there to the next one.
pub struct Server {
    inbox: Inbox,
    state: PathBuf,
    stats: Arc<Mutex<Stats>>,
    /// Dropped before the broker's thread ends, so that no request comes any more.
    admin_socket: Option<AdminSocket>,
    thread: Option<JoinHandle<()>>,
}

/// Why a broker does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// The state file.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The socket beside the state file.
    #[error(
        "cannot take administrative requests at {}: {error}{}",
        path.display(),
        if error.kind() == io::ErrorKind::InvalidInput { "; the state file's path is too long for a socket beside it" } else { "" }
    )]
    AdminSocket {
        /// The socket.
        path: PathBuf,
        /// What is wrong.
        #[source]
        error: io::Error,
    },
    /// The system gives no thread or no random numbers.
    #[error("cannot start: {0}")]
    System(#[source] io::Error),
}

impl Server {
    /// Starts a broker on a state file.
    ///
    /// # Errors
    /// When the state cannot be read, or the system gives no thread or socket.
    pub fn spawn(config: Config, store: Store, sfu: impl SfuTransport + 'static) -> Result<Server, SpawnError> {
        let known = store.load()?;
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| SpawnError::System(io::Error::other(error.to_string())))?;
        let store = Arc::new(store);
        let state = store.path().to_owned();
        let (inputs, incoming) = channel();
        let inbox = Inbox::new(inputs);
        let recorder = Recorder::spawn(Arc::clone(&store)).map_err(SpawnError::System)?;
        let stats = Arc::new(Mutex::new(Stats::default()));
        let turn = config.cloudflare_turn.as_ref().map(|key| HttpSfu::with_threads(MINTING_THREADS, key.is_loopback()));
        let turn = turn.transpose().map_err(SpawnError::System)?;
        let runner = Runner::new(
            Broker::new(config, known, seed, Instant::now()),
            (Box::new(sfu), turn),
            (inbox.clone(), incoming),
            (store, recorder),
            Arc::clone(&stats),
        );
        let admin_socket = AdminSocket::spawn(&state, inbox.clone())
            .map_err(|error| SpawnError::AdminSocket { path: admin_socket::socket_beside(&state), error })?;
        let thread = std::thread::Builder::new()
            .name("farwire-broker".into())
            .spawn(move || runner.run())
            .map_err(SpawnError::System)?;
        Ok(Server { inbox, state, stats, admin_socket: Some(admin_socket), thread: Some(thread) })
    }

    /// Adds the API and the counters to what a listener serves.
    pub fn add_to(&self, site: Site) -> Site {
        let (inbox, gate, stats) = (self.inbox.clone(), self.inbox.clone(), Arc::clone(&self.stats));
        let api = Route::new("/api/v1/", move |incoming: Incoming, reply: Reply| inbox.request(incoming, reply));
        let api = api.gate(move |head, pass| gate.head(head.clone(), pass));
        let api = api.header("authorization").header(path::ROBOT_KEY_HEADER).max_body(MAX_BODY);
        site.route(api).metrics(PREFIX, move || read(&stats))
    }

    /// The file with its state.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// Counters, as of the last turn of the broker's thread.
    pub fn stats(&self) -> Stats {
        read(&self.stats)
    }

    /// Creates, lists or revokes keys. It takes effect before it returns.
    pub fn administer(&self, request: AdminRequest) -> AdminAnswer {
        self.inbox.administer(request)
    }

    /// Asks the broker that runs on a state file, in whatever process; `None` if there is none.
    ///
    /// # Errors
    /// When the broker is there and does not answer.
    pub fn ask(state: &Path, request: &AdminRequest) -> io::Result<Option<AdminAnswer>> {
        admin_socket::ask(state, request)
    }
}

/// The broker's thread holds this lock for one copy as well.
fn read(stats: &Mutex<Stats>) -> Stats {
    *stats.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Server {
    fn drop(&mut self) {
        self.admin_socket = None;
        self.inbox.stop();
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by its own message.
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("state", &self.state).finish_non_exhaustive()
    }
}
