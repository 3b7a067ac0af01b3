//! The terminal, taken over and given back, whatever happens.

use std::io::{self, IsTerminal as _, Write as _};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{self, Event};
use crossterm::style::Print;
use crossterm::terminal::{self, Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen};
use crossterm::{execute, queue};
use farwire_sim::operator::Key;

use super::keys::key_of;
use crate::failure::Failure;
use crate::output;

/// What a terminal that does not know its size is taken for.
const USUAL: (u16, u16) = (80, 24);

/// Whether there is something to give back.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal in raw mode, on its other screen. Dropping it gives it back.
pub(super) struct Terminal(());

impl Terminal {
    /// Whether there is a keyboard and a screen.
    pub(super) fn is_there() -> bool {
        io::stdin().is_terminal() && io::stdout().is_terminal()
    }

    /// Takes it over.
    pub(super) fn take() -> Result<Terminal, Failure> {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // On the other screen nobody would get to read it.
            restore();
            before(info);
        }));
        // From here on whatever was done is undone, also when it failed half way.
        let terminal = Terminal(());
        TAKEN.store(true, Ordering::SeqCst);
        terminal::enable_raw_mode().map_err(|error| failed(&error))?;
        execute!(io::stdout(), EnterAlternateScreen, Hide).map_err(|error| failed(&error))?;
        Ok(terminal)
    }

    /// Columns and rows.
    pub(super) fn size(&self) -> (usize, usize) {
        let (columns, rows) = terminal::size().unwrap_or(USUAL);
        (columns.into(), rows.into())
    }

    /// Shows these lines and nothing else.
    pub(super) fn show(&mut self, lines: &[String]) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        let draw = |stdout: &mut io::StdoutLock<'_>| {
            for (row, line) in (0_u16..).zip(lines) {
                // Cleared first: after a line as long as the screen the cursor is still on its last character.
                queue!(stdout, MoveTo(0, row), Clear(ClearType::UntilNewLine), Print(line))?;
            }
            if lines.len() < self.size().1 {
                let below = u16::try_from(lines.len()).unwrap_or(u16::MAX);
                queue!(stdout, MoveTo(0, below), Clear(ClearType::FromCursorDown))?;
            }
            stdout.flush()
        };
        draw(&mut stdout).map_err(|error| output::write_failed(&error))
    }

    /// Waits for the next key that means something; `None` when none was pressed by `due`.
    pub(super) fn key_until(&mut self, due: Instant) -> Result<Option<Key>, Failure> {
        loop {
            let left = due.saturating_duration_since(Instant::now());
            if !event::poll(left).map_err(|error| failed(&error))? {
                return Ok(None);
            }
            if let Event::Key(event) = event::read().map_err(|error| failed(&error))?
                && let Some(key) = key_of(&event)
            {
                return Ok(Some(key));
            }
            if left.is_zero() {
                return Ok(None);
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back, if it was taken; once is enough.
pub(super) fn restore() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        // There is nobody left to tell.
        let _ = execute!(io::stdout(), Show, LeaveAlternateScreen);
        let _ = terminal::disable_raw_mode();
    }
}

fn failed(error: &io::Error) -> Failure {
    Failure::failed(format_args!("the terminal does not work: {error}; --script drives without one"))
}
