use anstyle::{Ansi256Color, Style};

/// The colours of names: fixed ones of the palette of 256, so that no theme makes them unreadable,
/// and each far enough from black and from white to be read on both.
const COLOURS: [u8; 6] = [
    32,  // blue, #0087d7
    28,  // green, #008700
    166, // orange, #d75f00
    161, // red, #d7005f
    134, // purple, #af5fd7
    30,  // teal, #008787
];

/// The style of a name: always the same one for the same name, here and anywhere.
pub(in crate::report) fn of(name: &str) -> Style {
    // FNV-1a, whose outcome is written down, other than that of the standard library's hashers.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    // The lower bits of FNV-1a are the weak ones.
    let index = (hash ^ (hash >> 32)) % COLOURS.len() as u64;
    Ansi256Color(COLOURS[index as usize]).on_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// The relative luminance of a colour of the cube of 6 × 6 × 6 (WCAG 2.2).
    fn luminance(colour: u8) -> f64 {
        let cube = colour - 16;
        let linear = |level: u8| {
            let level = if level == 0 { 0 } else { 55 + 40 * level };
            let share = f64::from(level) / 255.0;
            if share <= 0.04045 {
                share / 12.92
            } else {
                ((share + 0.055) / 1.055).powf(2.4)
            }
        };
        let (red, green, blue) = (cube / 36, cube / 6 % 6, cube % 6);
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }

    #[test]
    fn every_colour_is_readable_on_black_and_on_white() {
        for colour in COLOURS {
            let luminance = luminance(colour);
            // WCAG 2.2 wants 3 to 1 of large or bold text, and 4.5 of a book.
            assert!((luminance + 0.05) / 0.05 > 3.5, "{colour} on black");
            assert!(1.05 / (luminance + 0.05) > 3.5, "{colour} on white");
        }
    }

    #[test]
    fn a_name_keeps_its_colour_and_names_use_all_of_them() {
        assert_eq!(of("alice"), of("alice"));
        let styles = (0..200).map(|number| of(&format!("guest{number}")).to_string());
        assert_eq!(styles.collect::<HashSet<_>>().len(), COLOURS.len());
    }
}
