//! The terminal: taken over, and given back as it was, however promproc ends.

use std::io::{self, Stdout};
use std::panic;
use std::sync::Arc;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use promproc::observe::Observer;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use rustix::process::{Signal, kill_current_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::app::{App, Next};
use super::feed::Feed;
use super::screen;
use crate::commands::Outcome;

/// How long a key may be waited for before other news are looked for.
const TICK: Duration = Duration::from_millis(50);
/// Ages on the screen are in seconds.
const REDRAW: Duration = Duration::from_secs(1);
/// How long a signal waits for the screen to be left in good order.
const GRACE: Duration = Duration::from_millis(500);

/// Whether the terminal is ours at the moment. Who takes this back gives the terminal back, once:
/// leaving the other screen twice would move the cursor over what was printed in between.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// Shows what is observed until somebody quits.
pub(crate) fn run(
    observer: Observer,
    mut app: App,
    interval: Duration,
    has_color: bool,
) -> anyhow::Result<Outcome> {
    let signal = catch_signals().context("cannot catch signals")?;
    let mut screen = Screen::take().context("the terminal cannot be used")?;
    let result = Feed::start(observer, interval)
        .map_err(anyhow::Error::from)
        .and_then(|feed| show(&mut screen, &mut app, &feed, &signal, has_color));
    drop(screen);
    match signal.load(Ordering::Relaxed) {
        0 => {}
        // As if it had not been caught, so that the caller sees why promproc ended.
        number => emulate_default_handler(number)?,
    }
    result.map(|()| Outcome::Done)
}

fn show(
    screen: &mut Screen,
    app: &mut App,
    feed: &Feed,
    signal: &AtomicI32,
    has_color: bool,
) -> anyhow::Result<()> {
    let mut drawn = None::<Instant>;
    while signal.load(Ordering::Relaxed) == 0 {
        let mut is_stale = drawn.is_none_or(|drawn| drawn.elapsed() >= REDRAW);
        while let Some(round) = feed.next()? {
            app.take(round);
            is_stale = true;
        }
        if is_stale {
            screen.terminal.draw(|frame| screen::draw(frame, app, has_color))?;
            drawn = Some(Instant::now());
        }
        // Keys that wait, as those of a paste, are all taken before the screen is drawn again.
        let mut patience = TICK;
        while event::poll(patience)? {
            patience = Duration::ZERO;
            drawn = None;
            if let Event::Key(key) = event::read()?
                && key.kind != KeyEventKind::Release
            {
                match app.key(key) {
                    Next::Quit => return Ok(()),
                    Next::Suspend => screen.suspend()?,
                    Next::Continue => {}
                }
            }
        }
    }
    Ok(())
}

/// The terminal in raw mode with the alternate screen, until it is dropped.
struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    fn take() -> io::Result<Self> {
        give_back_on_panic();
        match enter() {
            Ok(terminal) => Ok(Self { terminal }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }

    /// Stops the process as Ctrl-Z does where it is no key, and takes the terminal again when it is
    /// continued. Where there is no shell to continue it, as in a container, the system lets it run on.
    fn suspend(&mut self) -> io::Result<()> {
        give_back();
        kill_current_process_group(Signal::TSTP)?;
        self.terminal = enter()?;
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn enter() -> io::Result<Terminal<CrosstermBackend<Stdout>>> {
    IS_TAKEN.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen)?;
    Terminal::new(CrosstermBackend::new(io::stdout()))
}

/// Gives the terminal back if it is ours. It may be gone: then there is nothing to give back.
fn give_back() {
    if IS_TAKEN.swap(false, Ordering::SeqCst) {
        let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}

/// In the hook, because nothing is dropped where a panic aborts; and before the panic's message is
/// printed, which would be lost with the screen.
fn give_back_on_panic() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            give_back();
            print(panic);
        }));
    });
}

/// The number of a signal that asks promproc to end, once there is one. If the screen does not react,
/// as when its terminal hangs, the signal ends promproc all the same.
fn catch_signals() -> io::Result<Arc<AtomicI32>> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM])?;
    let caught = Arc::new(AtomicI32::new(0));
    let shared = Arc::clone(&caught);
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        if let Some(number) = signals.forever().next() {
            shared.store(number, Ordering::Relaxed);
            thread::sleep(GRACE);
            give_back();
            // Nobody is left to be told.
            let _ = emulate_default_handler(number);
        }
    })?;
    Ok(caught)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::Command;

    use super::*;

    const DRIVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/terminal.py");
    const THIS: &str = "commands::top::terminal::tests::panics_while_it_has_the_terminal";

    #[test]
    #[ignore = "the next test runs it, in a terminal"]
    fn panics_while_it_has_the_terminal() {
        // As in a release, nothing is dropped: the hook alone has to do it.
        let _screen = std::mem::ManuallyDrop::new(Screen::take().unwrap());
        execute!(io::stdout(), ratatui::crossterm::cursor::Hide).unwrap();
        panic!("on purpose");
    }

    #[test]
    fn a_panic_gives_the_terminal_back_and_its_message_is_seen() {
        let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let this = std::env::current_exe().unwrap();
        let command = [this.to_str().unwrap(), "--exact", "--ignored", "--nocapture", THIS];
        let output = match Command::new(python).args([DRIVER, "[]"]).args(command).output() {
            Ok(output) => output,
            Err(error) => {
                let this = thread::current();
                let message = format!("NOT RUN: {} needs Python: {error}", this.name().unwrap_or("a test"));
                assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{message}");
                // Not `eprintln!`, which the test harness swallows when a test passes.
                io::stderr().write_all(format!("{message}\n").as_bytes()).unwrap();
                return;
            }
        };
        let ended: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            (&ended["switches"], &ended["cursor"], &ended["restored"]),
            (&"hl".into(), &true.into(), &true.into())
        );
        let main = ended["main"].as_str().unwrap();
        assert!(main.contains("terminal.rs") && main.contains("on purpose"), "{main}");
    }
}
