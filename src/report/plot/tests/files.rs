//! What is in the files of pictures.

/// An SVG document of the kind that is drawn here.
pub(super) struct Svg {
    elements: Vec<Element>,
    /// How long it is.
    pub(super) bytes: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    /// What stands up to the next tag.
    text: String,
}

impl Svg {
    pub(super) fn parse(document: Vec<u8>) -> Self {
        let bytes = document.len();
        let document = String::from_utf8(document).unwrap();
        assert!(document.starts_with("<svg "), "{document}");
        assert!(document.ends_with("</svg>\n"), "{document}");
        let forbidden = |it: char| it < ' ' && it != '\n' || matches!(it, '\u{fffe}' | '\u{ffff}');
        assert!(!document.contains(forbidden), "{document:?}");
        let tags = document
            .split('<')
            .skip(1)
            .filter(|tag| !tag.starts_with('/'));
        let elements = tags.map(|tag| {
            let (tag, text) = tag.split_once('>').expect("a tag ends");
            let (name, rest) = tag.split_once(' ').expect("all elements have attributes");
            let mut parts = rest.trim_end_matches('/').split('"');
            let mut attributes = Vec::new();
            while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
                let name = name.trim().trim_end_matches('=');
                attributes.push((name.to_owned(), value.to_owned()));
            }
            Element {
                name: name.to_owned(),
                attributes,
                text: text.trim().to_owned(),
            }
        });
        Svg {
            elements: elements.collect(),
            bytes,
        }
    }

    pub(super) fn texts(&self) -> Vec<&str> {
        let texts = self.elements.iter().filter(|it| it.name == "text");
        texts.map(|it| it.text.as_str()).collect()
    }

    #[track_caller]
    pub(super) fn says(&self, words: &str) {
        let texts = self.texts();
        assert!(
            texts.iter().any(|text| text.contains(words)),
            "{words:?} in {texts:?}"
        );
    }

    /// The elements of a kind that are filled with this colour.
    pub(super) fn filled(&self, name: &str, colour: &str) -> Vec<&Element> {
        let is = |it: &&Element| it.name == name && it.attribute("fill") == colour;
        self.elements.iter().filter(is).collect()
    }

    /// The height of a number that is written at the left of the frame.
    #[track_caller]
    pub(super) fn level(&self, text: &str) -> f64 {
        let is = |it: &&Element| it.text == text && it.attribute("text-anchor") == "end";
        let mut marks = self.elements.iter().filter(is);
        marks.next().unwrap_or_else(|| panic!("{text}")).number("y")
    }
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> &str {
        let mut found = self.attributes.iter().filter(|(it, _)| it == name);
        found.next().map_or("", |(_, value)| value)
    }

    #[track_caller]
    pub(super) fn number(&self, name: &str) -> f64 {
        self.attribute(name).parse().unwrap()
    }
}

/// The size and the pixels of a PNG.
pub(super) fn pixels(file: &[u8]) -> ((u32, u32), Vec<[u8; 3]>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(file))
        .read_info()
        .unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    assert_eq!(info.color_type, png::ColorType::Rgb);
    let pixels = bytes.chunks_exact(3).map(|it| [it[0], it[1], it[2]]);
    ((info.width, info.height), pixels.collect())
}
