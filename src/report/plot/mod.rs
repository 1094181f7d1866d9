//! Pictures: of the [round trips](round_trips()) of a run, and of the [beats](Beats) of a session
//! against their windows.
//!
//! A picture is a function of the results that gives the bytes of a file, the same bytes for the same
//! results: what is drawn is put onto a canvas of a few kinds of shapes, and only the last step knows
//! whether these become elements of an SVG document or pixels of a PNG. Neither grows with the length
//! of the run: a [series](crate::conversation::latency::Series) is bounded, and of very many beats
//! the ones that matter are drawn.
//!
//! Colours are those of Okabe and Ito ("Color Universal Design", 2008), which people of any colour
//! vision can tell apart.

mod axis;
mod beats;
mod canvas;
mod ink;
mod labels;
mod round_trips;
#[cfg(test)]
mod tests;

use std::path::Path;

pub use beats::{Beats, beats};
pub use round_trips::{Panel, round_trips};

/// What file a picture is put into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureFormat {
    /// A document of lines and texts, sharp at any size.
    Svg,
    /// Pixels.
    Png,
}

/// The name of a file does not tell what picture it is to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its name has to end in .svg or .png")]
pub struct UnknownPictureError;

impl PictureFormat {
    /// The format that the extension of a file's name stands for.
    ///
    /// # Errors
    ///
    /// When it is neither `.svg` nor `.png`, in upper or lower case.
    pub fn of(path: &Path) -> Result<Self, UnknownPictureError> {
        match path.extension() {
            Some(it) if it.eq_ignore_ascii_case("svg") => Ok(PictureFormat::Svg),
            Some(it) if it.eq_ignore_ascii_case("png") => Ok(PictureFormat::Png),
            _ => Err(UnknownPictureError),
        }
    }
}

/// A picture could not be made.
#[derive(Debug, thiserror::Error)]
pub enum DrawingError {
    /// The shapes could not be drawn.
    #[error("drawing the picture: {0}")]
    Drawing(String),
    /// The pixels could not be made a PNG.
    #[error("encoding the picture as PNG: {0}")]
    Encoding(png::EncodingError),
}
