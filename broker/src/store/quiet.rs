//! Panics of the database over a damaged file, turned into errors.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Does something that may panic on this thread, and answers `None` if it did. No message of it is printed; those of other
/// threads, and of whatever else, go to the hook that was set before.
///
/// The caller must not use again what `act` changed before it panicked.
pub(super) fn catch<T>(act: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            if !IS_QUIET.get() {
                before(panic);
            }
        }));
    });
    let was_quiet = IS_QUIET.replace(true);
    let done = catch_unwind(AssertUnwindSafe(act));
    IS_QUIET.set(was_quiet);
    done.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_none_and_the_thread_is_as_before() {
        assert_eq!(catch(|| 7), Some(7));
        assert_eq!(catch(|| catch(|| panic!("inner")).unwrap_or(8)), Some(8));
        assert_eq!(catch::<u8>(|| panic!("outer")), None);
        assert!(!IS_QUIET.get());
    }
}
