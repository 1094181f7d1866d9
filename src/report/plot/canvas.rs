use std::sync::Once;

use epaint_default_fonts::UBUNTU_LIGHT;
use plotters::prelude::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, FontFamily, FontStyle, RGBAColor, register_font};

use super::{DrawingError, PictureFormat, ink};
use crate::link::Printable;

/// The generic family, so that a viewer of an SVG takes whatever it has. For PNG it is the name that
/// our own font is known by.
const FAMILY: FontFamily<'static> = FontFamily::SansSerif;

/// How much wider a text may be in a viewer's font than in ours. Ubuntu is narrow.
const WIDER: f64 = 1.12;

/// What differs between the backends.
#[derive(Clone, Copy, Debug)]
struct Medium {
    /// How many of its pixels a pixel of the canvas is wide and high.
    scale: i32,
    /// What text of size 1 is to it. The sizes of plotters are heights of lines, which it takes to be
    /// 1.24 em in SVG; those of our font are 1.12 em.
    letters: f64,
    /// How far below the centre of a line of text it has to be put for its capitals and digits to be
    /// centred, as a share of the size: each backend measures from elsewhere.
    shift: f64,
    /// How often a text is drawn, each time a pixel further. Our font is a light one, and plotters
    /// puts each letter on a whole pixel: drawn twice as large and twice, it is one that reads well.
    strikes: i32,
}

const SVG: Medium = Medium {
    scale: 1,
    letters: 1.1,
    shift: 0.08,
    strikes: 1,
};

const PNG: Medium = Medium {
    scale: 2,
    letters: 1.0,
    shift: 0.19,
    strikes: 2,
};

/// A picture in the making: shapes in the order in which they are drawn, in pixels from the upper
/// left.
#[derive(Debug)]
pub(super) struct Canvas {
    width: i32,
    height: i32,
    shapes: Vec<Shape>,
}

#[derive(Debug)]
enum Shape {
    /// Neither level nor upright.
    Line {
        from: (i32, i32),
        to: (i32, i32),
        ink: RGBAColor,
        thickness: i32,
    },
    Box {
        from: (i32, i32),
        to: (i32, i32),
        ink: RGBAColor,
    },
    Disc {
        centre: (i32, i32),
        radius: i32,
        ink: RGBAColor,
    },
    Ring {
        centre: (i32, i32),
        radius: i32,
        ink: RGBAColor,
    },
    Text {
        at: (i32, i32),
        text: String,
        size: i32,
        ink: RGBAColor,
        side: Side,
    },
}

/// Which part of a text is put where it is said to go. Up and down it is the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Its beginning.
    Start,
    /// Its middle.
    Middle,
    /// Its end.
    End,
}

impl Canvas {
    pub(super) fn new(width: i32, height: i32) -> Self {
        register();
        let mut canvas = Canvas {
            width,
            height,
            shapes: Vec::new(),
        };
        canvas.fill((0, 0), (width, height), ink::PAPER);
        canvas
    }

    /// A line of one pixel. One that is level or upright fills pixels, rather than halves of them.
    pub(super) fn line(&mut self, from: (i32, i32), to: (i32, i32), ink: RGBAColor) {
        let (left, right) = (from.0.min(to.0), from.0.max(to.0));
        let (upper, lower) = (from.1.min(to.1), from.1.max(to.1));
        if upper == lower {
            self.fill((left, upper), (right, upper + 1), ink);
        } else if left == right {
            self.fill((left, upper), (left + 1, lower), ink);
        } else {
            self.stroke(from, to, ink, 1);
        }
    }

    /// A slanting line.
    pub(super) fn stroke(
        &mut self,
        from: (i32, i32),
        to: (i32, i32),
        ink: RGBAColor,
        thickness: i32,
    ) {
        self.shapes.push(Shape::Line {
            from,
            to,
            ink,
            thickness,
        });
    }

    /// A box from its upper left to its lower right corner.
    pub(super) fn fill(&mut self, from: (i32, i32), to: (i32, i32), ink: RGBAColor) {
        self.shapes.push(Shape::Box { from, to, ink });
    }

    /// The outline of a box.
    pub(super) fn frame(&mut self, (left, top): (i32, i32), (right, bottom): (i32, i32)) {
        for (from, to) in [
            ((left, top), (right, top)),
            ((right, top), (right, bottom)),
            ((left, bottom), (right, bottom)),
            ((left, top), (left, bottom)),
        ] {
            self.line(from, to, ink::LINE);
        }
    }

    pub(super) fn disc(&mut self, centre: (i32, i32), radius: i32, ink: RGBAColor) {
        self.shapes.push(Shape::Disc {
            centre,
            radius,
            ink,
        });
    }

    /// A hollow point.
    pub(super) fn ring(&mut self, centre: (i32, i32), radius: i32, ink: RGBAColor) {
        self.shapes.push(Shape::Ring {
            centre,
            radius,
            ink,
        });
    }

    /// A text in one line. What could deceive its reader is printed as escapes.
    pub(super) fn text(
        &mut self,
        at: (i32, i32),
        text: &str,
        size: i32,
        ink: RGBAColor,
        side: Side,
    ) {
        // What may not stand in an XML document (section 2.2) and is not escaped anyway.
        let text = printable(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}");
        self.shapes.push(Shape::Text {
            at,
            text,
            size,
            ink,
            side,
        });
    }

    /// The file.
    pub(super) fn picture(&self, format: PictureFormat) -> Result<Vec<u8>, DrawingError> {
        match format {
            PictureFormat::Svg => self.svg(),
            PictureFormat::Png => self.png(),
        }
    }

    fn size(&self, medium: Medium) -> (u32, u32) {
        let times = |length: i32| length.saturating_mul(medium.scale).unsigned_abs();
        (times(self.width), times(self.height))
    }

    fn svg(&self) -> Result<Vec<u8>, DrawingError> {
        let mut document = String::new();
        let backend = SVGBackend::with_string(&mut document, self.size(SVG));
        self.put(backend, SVG)?;
        Ok(document.into_bytes())
    }

    fn png(&self) -> Result<Vec<u8>, DrawingError> {
        let (width, height) = self.size(PNG);
        let mut large = vec![u8::MAX; width as usize * height as usize * CHANNELS];
        let backend = BitMapBackend::with_buffer(&mut large, (width, height));
        self.put(backend, PNG)?;
        let pixels = shrunk(&large, width as usize);
        drop(large);

        let (width, height) = self.size(SVG);
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let written = encoder.write_header().and_then(|mut writer| {
            writer.write_image_data(&pixels)?;
            writer.finish()
        });
        written.map_err(DrawingError::Encoding)?;
        Ok(file)
    }

    fn put<B: DrawingBackend>(&self, mut backend: B, medium: Medium) -> Result<(), DrawingError> {
        let scale = medium.scale;
        let times = |(x, y): (i32, i32)| (x * scale, y * scale);
        let long = |length: i32| length.saturating_mul(scale).unsigned_abs();
        for shape in &self.shapes {
            let drawn = match shape {
                Shape::Line {
                    from,
                    to,
                    ink,
                    thickness,
                } => {
                    let style = ink.stroke_width(long(*thickness));
                    backend.draw_line(times(*from), times(*to), &style)
                }
                Shape::Box { from, to, ink } => {
                    backend.draw_rect(times(*from), times(*to), &ink.filled(), true)
                }
                Shape::Disc {
                    centre,
                    radius,
                    ink,
                } => backend.draw_circle(times(*centre), long(*radius), &ink.filled(), true),
                Shape::Ring {
                    centre,
                    radius,
                    ink,
                } => {
                    let style = ink.stroke_width(long(2));
                    backend.draw_circle(times(*centre), long(*radius), &style, false)
                }
                Shape::Text {
                    at,
                    text,
                    size,
                    ink,
                    side,
                } => {
                    let size = f64::from(size * scale);
                    let style = font(size * medium.letters)
                        .color(ink)
                        .pos(Pos::new(side.position(), VPos::Center));
                    let (x, y) = times(*at);
                    let y = y + (size * medium.shift).round() as i32;
                    (0..medium.strikes)
                        .try_for_each(|strike| backend.draw_text(text, &style, (x + strike, y)))
                }
            };
            drawn.map_err(|error| DrawingError::Drawing(error.to_string()))?;
        }
        let presented = backend.present();
        presented.map_err(|error| DrawingError::Drawing(error.to_string()))
    }
}

/// Red, green and blue.
const CHANNELS: usize = 3;

/// An image of half the width and height, each pixel the mean of four.
fn shrunk(pixels: &[u8], width: usize) -> Vec<u8> {
    let mut half = Vec::with_capacity(pixels.len() / 4);
    for rows in pixels.chunks_exact(2 * width * CHANNELS) {
        let (upper, lower) = rows.split_at(width * CHANNELS);
        let upper = upper.chunks_exact(2 * CHANNELS);
        for (upper, lower) in upper.zip(lower.chunks_exact(2 * CHANNELS)) {
            for channel in 0..CHANNELS {
                let next = channel + CHANNELS;
                let four = [upper[channel], upper[next], lower[channel], lower[next]];
                // The mean of four bytes is a byte.
                half.push((four.into_iter().map(u16::from).sum::<u16>() / 4) as u8);
            }
        }
    }
    half
}

impl Side {
    fn position(self) -> HPos {
        match self {
            Side::Start => HPos::Left,
            Side::Middle => HPos::Center,
            Side::End => HPos::Right,
        }
    }
}

fn font(size: f64) -> FontDesc<'static> {
    FontDesc::new(FAMILY, size, FontStyle::Normal)
}

/// Makes our own font known to plotters, which keeps it for the whole process.
fn register() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        // The font is part of this program; if it were broken, drawing a text would say so.
        let _ = register_font(FAMILY.as_str(), FontStyle::Normal, UBUNTU_LIGHT);
    });
}

fn printable(text: &str) -> String {
    Printable(text).to_string()
}

/// How many pixels a text may be wide, in whatever font it is shown.
pub(super) fn width(text: &str, size: i32) -> i32 {
    register();
    let wide = font(f64::from(size))
        .box_size(&printable(text))
        .map(|(wide, _)| wide);
    // Where there is no font there is no text either, and drawing it says so.
    (f64::from(wide.unwrap_or(0)) * WIDER).ceil() as i32
}

/// The beginning of a text that is not wider than this.
pub(super) fn cut(text: &str, size: i32, most: i32) -> String {
    // More does not fit at any size that can be read, and need not be measured.
    let mut fitting: String = text.chars().take(500).collect();
    if fitting.len() == text.len() && width(text, size) <= most {
        return fitting;
    }
    while width(&fitting, size) + size > most && fitting.pop().is_some() {}
    fitting + "…"
}

/// A text as at most so many lines, none of them wider than this.
pub(super) fn wrapped(text: &str, size: i32, most: i32, lines: usize) -> Vec<String> {
    let mut wrapped: Vec<String> = vec![String::new()];
    for word in text.split(' ') {
        let count = wrapped.len();
        // There is always a line: the first one.
        let Some(line) = wrapped.last_mut() else {
            break;
        };
        let longer = if line.is_empty() {
            word.to_owned()
        } else {
            format!("{line} {word}")
        };
        if count == lines || line.is_empty() || width(&longer, size) <= most {
            *line = longer;
        } else {
            wrapped.push(word.to_owned());
        }
    }
    wrapped.iter().map(|line| cut(line, size, most)).collect()
}
