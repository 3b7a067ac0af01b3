//! Joysticks by Linux's evdev.

use std::io;
use std::path::{Path, PathBuf};

use evdev::{AbsoluteAxisCode, Device, KeyCode};

use super::Source;
use super::pad::{Layout, Range, Raw};

/// A device of `/dev/input`.
pub(super) struct Evdev {
    /// The one that was asked for; `None`: any joystick.
    path: Option<PathBuf>,
    device: Option<Device>,
}

impl Evdev {
    pub(super) fn new(path: Option<PathBuf>) -> Evdev {
        Evdev { path, device: None }
    }
}

impl Source for Evdev {
    fn open(&mut self) -> io::Result<(String, Layout)> {
        self.device = None;
        let (device, layout) = match &self.path {
            Some(path) => asked_for(path)?,
            None => any()?,
        };
        let name = device.name().unwrap_or("joystick").to_owned();
        self.device = Some(device);
        Ok((name, layout))
    }

    fn read(&mut self) -> io::Result<Vec<Raw>> {
        let device = self.device.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        // What was lost because nobody read is made up for by the crate, from the device's state.
        let events = device.fetch_events()?;
        Ok(events.map(|event| Raw { kind: event.event_type().0, code: event.code(), value: event.value() }).collect())
    }
}

fn asked_for(path: &Path) -> io::Result<(Device, Layout)> {
    let shown = path.display();
    let device = Device::open(path).map_err(|error| {
        let advice = match error.kind() {
            io::ErrorKind::PermissionDenied => "; members of the group `input` may read it",
            _ => "",
        };
        io::Error::new(error.kind(), format!("{shown}: {error}{advice}"))
    })?;
    let layout = layout(&device)?.ok_or_else(|| {
        io::Error::other(format!(
            "{shown} has no stick with an enable button and one for the emergency stop (BTN_TL and BTN_EAST, or BTN_TRIGGER and BTN_THUMB)"
        ))
    })?;
    Ok((device, layout))
}

fn any() -> io::Result<(Device, Layout)> {
    for (_, device) in evdev::enumerate() {
        if let Ok(Some(layout)) = layout(&device) {
            return Ok((device, layout));
        }
    }
    let text = "no joystick that may be read is in /dev/input: plug one in, join the group `input`, or name its device";
    Err(io::Error::new(io::ErrorKind::NotFound, text))
}

fn layout(device: &Device) -> io::Result<Option<Layout>> {
    let Some(keys) = device.supported_keys() else { return Ok(None) };
    if device.supported_absolute_axes().is_none() {
        return Ok(None);
    }
    let axes: Vec<(AbsoluteAxisCode, Range)> = device
        .get_absinfo()?
        .map(|(axis, range)| (axis, Range { least: range.minimum(), most: range.maximum() }))
        .collect();
    let axis = |code: u16| axes.iter().find(|(axis, _)| axis.0 == code).map(|(_, range)| *range);
    Ok(Layout::of(|code| keys.contains(KeyCode(code)), axis))
}
