use std::collections::HashSet;

use farwire::Delivery;
use proptest::prelude::*;

use super::*;
use crate::bench::outcome::Run;
use crate::bench::outcome::tests::{measured, results, run};
use crate::bench::wire::Driver;

const RELIABLE: Delivery = Delivery::RELIABLE;
const LOSSY: Delivery = Delivery::LOSSY;

fn with(cells: Vec<Cell>) -> Results {
    let mut results = results();
    results.cells = cells;
    results.debug_build = false;
    results
}

fn cell(size: usize, delivery: Delivery, outcome: Outcome) -> Cell {
    Cell::new(Driver::Blocking, size, delivery, outcome)
}

/// Two sizes that were measured, one that is too large, and one that failed.
fn some() -> Results {
    with(vec![
        measured(64, RELIABLE, run(240_000.0, 0.0, 5.5, Some(93.0))),
        measured(64, LOSSY, run(310_000.0, 1.5, 3.6, Some(90.0))),
        measured(16_384, RELIABLE, run(4_100.0, 0.0, 294.0, Some(420.0))),
        measured(16_384, LOSSY, run(9_000.0, 52.0, 150.0, None)),
        cell(65_536, RELIABLE, Outcome::Failed { why: "no <first> \"echo\" & so on\u{7}".to_owned() }),
        cell(65_536, LOSSY, Outcome::TooLarge { limit_bytes: 65_535 }),
        cell(1 << 20, RELIABLE, Outcome::TooLarge { limit_bytes: 262_144 }),
    ])
}

#[test]
fn as_text() {
    assert_eq!(text::text(&some(), false), include_str!("golden.txt"));
}

#[test]
fn colours_change_nothing_that_is_read() {
    let coloured = text::text(&some(), true);
    assert!(coloured.contains("\u{1b}[48;5;"), "{coloured}");
    let mut plain = String::new();
    for (index, part) in coloured.split('\u{1b}').enumerate() {
        plain += if index == 0 { part } else { part.split_once('m').expect("a colour").1 };
    }
    assert_eq!(plain, text::text(&some(), false));
}

/// As little as has both kinds of squares.
fn few() -> Results {
    with(some().cells.into_iter().filter(|cell| cell.delivery == "reliable" && cell.size != 16_384).collect())
}

#[test]
fn as_svg() {
    let svg = Svg(&few()).to_string();
    let golden = include_str!("golden.svg").replace("VERSION", env!("CARGO_PKG_VERSION"));
    assert_eq!(svg, golden);
}

#[test]
fn an_svg_loads_nothing_and_says_what_is_foreign_as_text() {
    let svg = Svg(&some()).to_string();
    let document = roxmltree::Document::parse(&svg).expect("well-formed");
    let known: HashSet<&str> = ["svg", "title", "style", "rect", "text", "g"].into();
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        assert!(known.contains(node.tag_name().name()), "{node:?}");
        assert!(node.attributes().all(|attribute| !attribute.name().contains("href")), "{node:?}");
    }
    assert!(!svg.contains("url(") && !svg.contains("@import"), "{svg}");
    let titles: Vec<_> = document.descendants().filter_map(|node| node.text()).collect();
    let told = "65536 bytes, reliable, loss %: failed: no <first> \"echo\" & so on\u{fffd}";
    assert!(titles.contains(&told), "{titles:?}");
    assert!(titles.contains(&"64 bytes, lossy, messages/s: 310000"), "{titles:?}");
}

/// WCAG's relative luminance of `#rrggbb`.
fn luminance(colour: &str) -> f64 {
    let channel = |at: usize| {
        let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).expect("hexadecimal")) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

#[test]
fn letters_stand_out_from_every_fill_and_brighter_is_better() {
    let mut darker = 0.0;
    for (fill, ink) in svg::FILLS {
        let (fill_luminance, ink) = (luminance(fill), luminance(ink));
        let (dark, bright) = (fill_luminance.min(ink), fill_luminance.max(ink));
        assert!((bright + 0.05) / (dark + 0.05) >= 4.5, "{fill}");
        assert!(fill_luminance > darker, "{fill}");
        darker = fill_luminance;
    }
}

#[test]
fn the_best_is_the_fullest_and_what_is_alike_is_alike() {
    let steps = |cells: Vec<Cell>, map: usize| -> Vec<u8> {
        let results = with(cells);
        let map = Grid::of(&results).maps().nth(map).expect("a map");
        let step = |square: &Square| match square {
            Square::Value { step, .. } => *step,
            other => panic!("{other:?}"),
        };
        map.rows.iter().flatten().map(step).collect()
    };
    let rates = |rates: &[f64]| {
        let of = |(index, rate): (usize, &f64)| measured(64 << index, RELIABLE, run(*rate, 0.0, *rate, Some(*rate)));
        rates.iter().enumerate().map(of).collect::<Vec<_>>()
    };
    // By factors: the geometric mean is in the middle.
    assert_eq!(steps(rates(&[1.0, 1e3, 1e6]), 0), [0, 3, 6]);
    // CPU is the better the less it is.
    assert_eq!(steps(rates(&[1.0, 1e3, 1e6]), 3), [6, 3, 0]);
    assert_eq!(steps(rates(&[0.0, 1.0, 100.0]), 0), [0, 0, 6]);
    assert_eq!(steps(rates(&[7.0, 7.0]), 0), [6, 6]);
    assert_eq!(steps(rates(&[7.0, 7.0]), 3), [6, 6]);
    let losses = |losses: [f64; 3]| {
        let of = |(index, loss): (usize, f64)| measured(64 << index, LOSSY, run(1.0, loss, 1.0, None));
        losses.into_iter().enumerate().map(of).collect::<Vec<_>>()
    };
    // Loss has a scale of its own: a little is not bad only because the rest has none.
    assert_eq!(steps(losses([0.0, 1.0, 100.0]), 2), [6, 6, 0]);
}

#[test]
fn drivers_have_rows_of_their_own() {
    let tokio = Cell::new(Driver::Tokio, 64, LOSSY, Outcome::Measured(Box::new(run(2.0, 0.0, 1.0, None))));
    let results = with(vec![measured(64, LOSSY, run(1.0, 0.0, 1.0, None)), tokio]);
    let labels: Vec<_> = Grid::of(&results).rows.into_iter().map(|row| row.label).collect();
    assert_eq!(labels, ["lossy blocking", "lossy tokio"]);
}

/// Any number, and those that are none.
fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>(), Just(0.0), Just(f64::NAN), Just(f64::INFINITY), Just(-0.0), 0.0..1e6]
}

fn any_run() -> impl Strategy<Value = Run> {
    (any_number(), any_number(), any_number(), proptest::option::of(any_number()))
        .prop_map(|(rate, loss, cpu, p50)| run(rate, loss, cpu, p50))
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        3 => any_run().prop_map(|run| Outcome::Measured(Box::new(run))),
        1 => any::<usize>().prop_map(|limit_bytes| Outcome::TooLarge { limit_bytes }),
        1 => any::<String>().prop_map(|why| Outcome::Failed { why }),
    ]
}

fn any_cell() -> impl Strategy<Value = Cell> {
    (any::<bool>(), any::<bool>(), prop_oneof![0..200usize, any::<usize>()], any_outcome()).prop_map(
        |(tokio, reliable, size, outcome)| {
            let driver = if tokio { Driver::Tokio } else { Driver::Blocking };
            Cell::new(driver, size, if reliable { RELIABLE } else { LOSSY }, outcome)
        },
    )
}

proptest! {
    /// Whatever was measured, nothing panics, an SVG is well-formed, and what is no number is not shown as one.
    #[test]
    fn all_results_can_be_shown(cells in proptest::collection::vec(any_cell(), 0..20)) {
        let results = with(cells);
        for coloured in [false, true] {
            let text = text::text(&results, coloured);
            prop_assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
        }
        let svg = Svg(&results).to_string();
        if let Err(error) = roxmltree::Document::parse(&svg) {
            prop_assert!(false, "{error}: {svg}");
        }
        for row in &Grid::of(&results).rows {
            prop_assert_eq!(row.cells.len(), Grid::of(&results).sizes.len());
        }
    }

    #[test]
    fn all_lines_of_a_map_are_as_wide(cells in proptest::collection::vec(any_cell(), 1..20)) {
        let results = with(cells);
        let text = text::text(&results, false);
        let columns = Grid::of(&results).sizes.len();
        for line in text.lines() {
            // Headings and notes are as long as they are.
            if line.contains("better") || line.contains(": too large") { continue }
            prop_assert!(line.chars().count() <= 17 + columns * 7, "{line}");
        }
    }
}
