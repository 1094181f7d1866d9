//! Characters that are not seen, or not as what they are.

/// Whether a text can look like another one by this character: one of zero width, a separator of lines
/// that is none, a bidirectional control of Unicode (UAX 9, section 2), an annotation, or a tag by which
/// a text can carry another one unseen.
///
/// What emoji and scripts need within a text is not among them, but for the joiners U+200C and U+200D:
/// variation selectors (U+FE0F) and fillers have their use there, and are refused [in
/// names](is_unseen) only.
pub(crate) fn is_deceptive(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// Whether a name with this character in it could look like one without it, or with a space in its
/// place: a control character, one that [is deceptive](is_deceptive) in any text, one that is shown as
/// nothing where it is not supported, the empty Braille pattern, and white space other than a space.
pub(super) fn is_unseen(character: char) -> bool {
    character.is_control()
        || is_deceptive(character)
        || is_default_ignorable(character)
        || character == '\u{2800}'
        || (character.is_whitespace() && character != ' ')
}

/// The property `Default_Ignorable_Code_Point` of Unicode 14.0 (DerivedCoreProperties.txt): fillers,
/// variation selectors, format controls, and what is reserved for more of them.
fn is_default_ignorable(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ignorable_code_points_are_as_many_as_unicode_counts() {
        let all = '\0'..=char::MAX;
        assert_eq!(all.filter(|it| is_default_ignorable(*it)).count(), 4174);
    }

    #[test]
    fn what_a_name_must_not_have_is_more_than_what_a_text_must_not() {
        for character in '\0'..=char::MAX {
            assert!(is_unseen(character) || !is_deceptive(character));
        }
        for within_texts in ['\u{fe0f}', '\u{3164}', '\u{a0}', '\u{3000}', '\u{2800}'] {
            assert!(is_unseen(within_texts) && !is_deceptive(within_texts));
        }
        for seen in ['a', ' ', 'é', '\u{301}', '名', '🎣', '\u{fffd}'] {
            assert!(!is_unseen(seen), "{seen}");
        }
    }
}
