//! A joystick beside the keys: a thread reads it, and says an emergency stop by itself, so that a screen that hangs holds up none.

#[cfg(target_os = "linux")]
mod evdev;
mod pad;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use self::pad::{Layout, Pad, Raw};
use crate::failure::Failure;

/// The word for any joystick that there is.
pub(super) const ANY: &str = "auto";

/// The time between two looks for a joystick that is gone.
const AGAIN: Duration = Duration::from_secs(1);

/// Engages the emergency stop of whoever drives; `false`: nobody does.
type Stop = Box<dyn Fn() -> bool + Send>;

/// Where events come from.
trait Source: Send + 'static {
    /// Finds the device. Answers its name and its layout.
    fn open(&mut self) -> io::Result<(String, Layout)>;

    /// Waits for its next events.
    fn read(&mut self) -> io::Result<Vec<Raw>>;
}

/// A joystick. Its thread lives as long as the process, since a read cannot be cut off.
pub(super) struct Joystick {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    pad: Mutex<Pad>,
    stop: Mutex<Option<Stop>>,
}

impl Shared {
    fn pad(&self) -> MutexGuard<'_, Pad> {
        self.pad.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, raw: Raw) {
        let is_estop = self.pad().take(raw);
        if is_estop && let Some(stop) = &*self.stop.lock().unwrap_or_else(PoisonError::into_inner) {
            stop();
        }
    }
}

/// Whatever ends the thread, the joystick drives nothing from then on.
struct Reader<S> {
    source: S,
    shared: Arc<Shared>,
}

impl<S> Drop for Reader<S> {
    fn drop(&mut self) {
        self.shared.pad().lost("nothing reads it any more");
    }
}

impl<S: Source> Reader<S> {
    fn run(mut self, mut wait: impl FnMut() -> bool) {
        loop {
            match self.source.read() {
                Ok(events) => events.into_iter().for_each(|raw| self.shared.take(raw)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.shared.pad().lost(&error.to_string());
                    loop {
                        if !wait() {
                            return;
                        }
                        if let Ok((name, layout)) = self.source.open() {
                            self.shared.pad().found(&name, layout);
                            break;
                        }
                    }
                }
            }
        }
    }
}

impl Joystick {
    /// Opens a device of `/dev/input`, or any joystick there ([`ANY`]).
    #[cfg(target_os = "linux")]
    pub(super) fn open(device: &str) -> Result<Joystick, Failure> {
        Joystick::of(evdev::Evdev::new((device != ANY).then(|| device.into())))
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn open(_device: &str) -> Result<Joystick, Failure> {
        Err(Failure::usage("--joystick needs Linux, whose /dev/input it reads; the keys drive without it"))
    }

    #[cfg_attr(not(target_os = "linux"), allow(dead_code))]
    fn of(mut source: impl Source) -> Result<Joystick, Failure> {
        let (name, layout) = source.open().map_err(|error| Failure::failed(format_args!("--joystick: {error}")))?;
        let shared = Arc::<Shared>::default();
        shared.pad().found(&name, layout);
        let reader = Reader { source, shared: Arc::clone(&shared) };
        let again = || {
            thread::sleep(AGAIN);
            true
        };
        thread::Builder::new()
            .name("farwire-joystick".into())
            .spawn(move || reader.run(again))
            .map_err(Failure::failed)?;
        Ok(Joystick { shared })
    }

    /// Whom its emergency stop stops from now on; `None`: nobody.
    pub(super) fn stops(&self, stop: Option<Stop>) {
        *self.shared.stop.lock().unwrap_or_else(PoisonError::into_inner) = stop;
        let mut pad = self.shared.pad();
        pad.take_estop();
        pad.spend();
    }

    /// How far the stick is, forward and to the left, from -1 to 1; `None`: its enable button is not held.
    pub(super) fn stick(&self) -> Option<[f64; 2]> {
        self.shared.pad().stick()
    }

    /// The enable button has to be pressed anew.
    pub(super) fn spend(&self) {
        self.shared.pad().spend();
    }

    /// Whether its emergency stop was pressed since the last time.
    pub(super) fn take_estop(&self) -> bool {
        self.shared.pad().take_estop()
    }

    /// For the person who holds it.
    pub(super) fn line(&self) -> String {
        self.shared.pad().line()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::mpsc::{Receiver, channel};

    use super::pad::{Range, codes};
    use super::*;

    /// A device whose events, losses and returns a test says.
    struct Said(Receiver<io::Result<Vec<Raw>>>);

    impl Source for Said {
        fn open(&mut self) -> io::Result<(String, Layout)> {
            let range = Range { least: 0, most: 255 };
            Ok(("said".to_owned(), Layout::of(|_| true, |_| Some(range)).expect("it has all")))
        }

        fn read(&mut self) -> io::Result<Vec<Raw>> {
            self.0.recv().unwrap_or_else(|_| Err(io::Error::other("over")))
        }
    }

    fn key(code: u16, value: i32) -> Raw {
        Raw { kind: codes::EV_KEY, code, value }
    }

    #[test]
    fn a_reader_stops_by_itself_and_one_that_ends_drives_nothing() {
        let (say, said) = channel();
        let shared = Arc::<Shared>::default();
        let stops = Arc::<AtomicU32>::default();
        let joystick = Joystick { shared: Arc::clone(&shared) };
        let counted = Arc::clone(&stops);
        joystick.stops(Some(Box::new(move || counted.fetch_add(1, Ordering::SeqCst) < 9)));
        let mut source = Said(said);
        let (name, layout) = source.open().expect("there");
        shared.pad().found(&name, layout);
        let full = Raw { kind: codes::EV_ABS, code: codes::ABS_Y, value: 0 };
        say.send(Ok(vec![full, key(codes::BTN_TL, 1), key(codes::BTN_EAST, 1)])).expect("read");
        say.send(Err(io::ErrorKind::Interrupted.into())).expect("read");
        say.send(Err(io::Error::other("unplugged"))).expect("read");
        say.send(Ok(vec![full, key(codes::BTN_TL, 1)])).expect("read");
        // It is back at once, and gone for good at the second loss.
        let (mut losses, seen) = (0, Arc::clone(&shared));
        drop(say);
        Reader { source, shared }.run(|| {
            losses += 1;
            match losses {
                1 => assert!(seen.pad().line().contains("unplugged") && seen.pad().stick().is_none()),
                _ => assert!(seen.pad().line().contains("over")),
            }
            losses == 1
        });
        assert_eq!((losses, stops.load(Ordering::SeqCst)), (2, 1));
        assert!(joystick.take_estop() && joystick.stick().is_none());
        assert!(joystick.line().contains("nothing reads it"), "{}", joystick.line());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_device_that_is_none_is_named() {
        let error = Joystick::open("/dev/input/no-such-device").err().expect("it is not there").to_string();
        assert!(error.contains("/dev/input/no-such-device"), "{error}");
    }
}
