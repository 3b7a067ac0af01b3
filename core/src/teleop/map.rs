//! A map of what is around the robot, as a picture in JSON.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::wire::teleop::{MAX_MAP, Map2d, MapFormat, MapKind, to_json};

/// Cells in a row, and rows, of the largest map.
pub const MAX_SIDE: u32 = 1024;

/// The colours of free, occupied and lethal cells after that of unknown ones, which is transparent.
const PALETTE: [[u8; 3]; 4] = [[0, 0, 0], [235, 235, 235], [96, 96, 110], [200, 40, 40]];

/// What a picture of so many cells may take in memory.
const MAX_PICTURE: usize = 8 * 1024 * 1024;

/// A value below which a colour is that of something in the way, from 0 to 255.
const DARK: u32 = 160;

/// A grid of cells. The first row has the lowest y, and the first cell of a row the lowest x.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    /// Cells in a row, up to [`MAX_SIDE`].
    pub width: u32,
    /// Rows, up to [`MAX_SIDE`].
    pub height: u32,
    /// The side of a cell, in m.
    pub resolution: f64,
    /// Where the first cell's corner is, in m.
    pub origin: [f64; 2],
    /// Row by row: -1 unknown, 0 free, 1 to 99 occupied, and 100 lethal, as in `nav_msgs.OccupancyGrid`.
    pub cells: Vec<i8>,
}

/// Why a map is none that can be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MapError {
    /// Its sides are too long, or not those of its cells.
    #[error(
        "a map of {width} x {height} cells with {cells} values: both sides go to {MAX_SIDE}, and each cell has one value"
    )]
    Size {
        /// Cells in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// Values.
        cells: usize,
    },
    /// Its origin or resolution is no finite number.
    #[error("a map whose origin or resolution is no finite number")]
    NotFinite,
    /// The message would be longer than 32 KiB.
    #[error("a map of {bytes} bytes, where {MAX_MAP} are the most: make its cells larger, or show less")]
    TooLarge {
        /// Bytes of the message.
        bytes: usize,
    },
}

impl Grid {
    /// The message, of a map that was seen at `stamp` seconds since 1970 by the robot's clock.
    ///
    /// # Errors
    /// When it is none that can be sent; the error says why.
    pub fn to_json(&self, stamp: f64) -> Result<String, MapError> {
        let is_finite = [self.resolution, self.origin[0], self.origin[1], stamp].into_iter().all(f64::is_finite);
        if !is_finite {
            return Err(MapError::NotFinite);
        }
        let png =
            self.to_png().ok_or(MapError::Size { width: self.width, height: self.height, cells: self.cells.len() })?;
        let json = to_json(&Map2d {
            kind: MapKind::Map,
            fmt: MapFormat::Png,
            w: self.width,
            h: self.height,
            res: self.resolution,
            origin: self.origin,
            stamp,
            png_b64: STANDARD.encode(png),
        });
        if json.len() > MAX_MAP {
            return Err(MapError::TooLarge { bytes: json.len() });
        }
        Ok(json)
    }

    /// Reads a message of any robot: which cells something is in follows from how dark they are.
    pub fn parse(message: &[u8]) -> Option<Grid> {
        let map: Map2d = Some(message)
            .filter(|json| json.len() <= MAX_MAP && json.trim_ascii_start().starts_with(b"{"))
            .and_then(|json| serde_json::from_slice(json).ok())?;
        let sides = 1..=MAX_SIDE;
        let is_sane = sides.contains(&map.w)
            && sides.contains(&map.h)
            && map.res.is_finite()
            && map.origin.into_iter().all(f64::is_finite);
        let png = STANDARD.decode(map.png_b64).ok().filter(|_| is_sane)?;
        let cells = cells_of(&png, map.w, map.h)?;
        Some(Grid { width: map.w, height: map.h, resolution: map.res, origin: map.origin, cells })
    }

    /// The value of a cell; `None` outside of the map.
    pub fn cell(&self, column: u32, row: u32) -> Option<i8> {
        let place = usize::try_from(u64::from(row) * u64::from(self.width) + u64::from(column)).ok()?;
        self.cells.get(place).copied().filter(|_| column < self.width)
    }

    /// The picture; `None`: its sides are not those of its cells.
    fn to_png(&self) -> Option<Vec<u8>> {
        let sides = 1..=MAX_SIDE;
        let width = usize::try_from(self.width).ok().filter(|_| sides.contains(&self.width))?;
        let height = usize::try_from(self.height).ok().filter(|_| sides.contains(&self.height))?;
        if self.cells.len() != width * height {
            return None;
        }
        let mut packed = Vec::with_capacity(width.div_ceil(4) * height);
        for row in self.cells.chunks(width) {
            // Four cells are a byte, the first in its highest bits.
            packed.extend(row.chunks(4).map(|cells| {
                (0..4).fold(0, |byte, place| byte << 2 | cells.get(place).map_or(0, |cell| colour(*cell)))
            }));
        }
        let mut png = Vec::new();
        let mut encoder = png::Encoder::new(&mut png, self.width, self.height);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Two);
        encoder.set_palette(PALETTE.concat());
        encoder.set_trns(&[0][..]);
        let mut writer = encoder.write_header().ok()?;
        writer.write_image_data(&packed).ok()?;
        writer.finish().ok()?;
        Some(png)
    }
}

/// The place of a cell's colour among those that there are.
fn colour(cell: i8) -> u8 {
    match cell {
        ..0 => 0,
        0 => 1,
        1..100 => 2,
        100.. => 3,
    }
}

/// What the cells of a picture are; `None` for one that is none, or is of another size.
fn cells_of(picture: &[u8], width: u32, height: u32) -> Option<Vec<i8>> {
    let limits = png::Limits { bytes: MAX_PICTURE };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(picture), limits);
    decoder.set_transformations(png::Transformations::normalize_to_color8() | png::Transformations::ALPHA);
    let mut reader = decoder.read_info().ok()?;
    let info = reader.info();
    if (info.width, info.height) != (width, height) {
        return None;
    }
    let mut bytes = vec![0; reader.output_buffer_size().filter(|size| *size <= MAX_PICTURE)?];
    let frame = reader.next_frame(&mut bytes).ok()?;
    let samples = frame.color_type.samples();
    let value = |pixel: &[u8]| match *pixel {
        [.., 0] => Some(-1),
        [grey, _] => Some(of_colour([grey; 3])),
        [red, green, blue, _] => Some(of_colour([red, green, blue])),
        _ => None,
    };
    bytes.get(..frame.buffer_size())?.chunks_exact(samples).map(value).collect()
}

fn of_colour(colour: [u8; 3]) -> i8 {
    let [red, green, blue] = colour.map(u32::from);
    if colour == PALETTE[3] {
        return 100;
    }
    // As bright as eyes see it, in thousandths.
    let bright = red * 299 + green * 587 + blue * 114;
    if bright < DARK * 1000 { 99 } else { 0 }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn grid(width: u32, height: u32, cells: Vec<i8>) -> Grid {
        Grid { width, height, resolution: 0.05, origin: [-1.0, 2.5], cells }
    }

    #[test]
    fn a_map_is_read_as_written() {
        // No multiple of four, so that rows end within a byte.
        let map = grid(5, 3, vec![-1, 0, 0, 50, 100, 0, 0, 0, 0, 0, 99, 1, -1, -1, 0]);
        let json = map.to_json(1.5).expect("a map");
        let read: Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(
            (&read["type"], &read["fmt"], &read["w"], &read["h"]),
            (&json!("map"), &json!("png"), &json!(5), &json!(3))
        );
        assert_eq!((&read["res"], &read["origin"], &read["stamp"]), (&json!(0.05), &json!([-1.0, 2.5]), &json!(1.5)));
        let again = Grid::parse(json.as_bytes()).expect("a map");
        assert_eq!(again.cells, [-1, 0, 0, 99, 100, 0, 0, 0, 0, 0, 99, 99, -1, -1, 0]);
        assert_eq!(
            (again.cell(4, 0), again.cell(0, 2), again.cell(5, 0), again.cell(0, 3)),
            (Some(100), Some(99), None, None)
        );
    }

    #[test]
    fn what_cannot_be_sent_is_said() {
        assert!(matches!(grid(2, 2, vec![0; 3]).to_json(0.0), Err(MapError::Size { cells: 3, .. })));
        assert!(matches!(grid(0, 0, vec![]).to_json(0.0), Err(MapError::Size { .. })));
        assert!(matches!(grid(MAX_SIDE + 1, 1, vec![0; 1025]).to_json(0.0), Err(MapError::Size { .. })));
        assert_eq!(grid(1, 1, vec![0]).to_json(f64::NAN), Err(MapError::NotFinite));
        // Noise has nothing to compress.
        let mut rng = fastrand::Rng::with_seed(1);
        let noise: Vec<i8> = (0..MAX_SIDE * MAX_SIDE).map(|_| rng.i8(-1..=100)).collect();
        assert!(
            matches!(grid(MAX_SIDE, MAX_SIDE, noise).to_json(0.0), Err(MapError::TooLarge { bytes }) if bytes > MAX_MAP)
        );
        let empty = grid(MAX_SIDE, MAX_SIDE, vec![0; 1024 * 1024]);
        assert!(empty.to_json(0.0).is_ok_and(|json| json.len() < 4096));
    }

    #[test]
    fn hostile_maps_are_none() {
        let good = grid(4, 4, vec![0; 16]).to_json(1.0).expect("a map");
        let edit = |field: &str, value: Value| {
            let mut map: Value = serde_json::from_str(&good).expect("JSON");
            map[field] = value;
            Grid::parse(map.to_string().as_bytes())
        };
        assert!(Grid::parse(good.as_bytes()).is_some());
        for (field, value) in [
            ("w", json!(5)),
            ("w", json!(0)),
            ("h", json!(4_000_000_000_u32)),
            ("res", json!(null)),
            ("origin", json!([1.0])),
            ("fmt", json!("jpeg")),
            ("type", json!("minimap")),
            ("png_b64", json!("AAAA")),
            ("png_b64", json!("\u{0}")),
        ] {
            assert_eq!(edit(field, value.clone()), None, "{field} {value}");
        }
        assert_eq!(Grid::parse(&vec![b' '; MAX_MAP + 1]), None);
    }
}
