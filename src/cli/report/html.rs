//! HTML from templates.

use super::super::picture;
use std::fmt::Write;
use std::path::Path;

const STYLE: &str = include_str!("style.css");

/// The style sheet of all reports.
pub fn style() -> String {
    let gradient: Vec<String> = (0..=8).map(|i| hex(picture::colour(i as f32 / 8.0))).collect();
    fill(STYLE, &[("gradient", &gradient.join(","))])
}

/// The name of a file, without its folder.
pub fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// Puts values in the places of `{{keys}}`, in one pass, so that values are never searched.
pub fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(template.len() + values.iter().map(|(_, value)| value.len()).sum::<usize>());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        text.push_str(before);
        let (key, after) = after.split_once("}}").unwrap_or((after, ""));
        match values.iter().find(|(name, _)| *name == key) {
            Some((_, value)) => text.push_str(value),
            None => {
                let _ = write!(text, "{{{{{key}}}}}");
            }
        }
        rest = after;
    }
    text + rest
}

/// Negative numbers with a real minus sign.
pub fn minus(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut letters = html.chars().peekable();
    let mut last = ' ';
    while let Some(letter) = letters.next() {
        let number = letter == '-' && !last.is_alphanumeric() && letters.peek().is_some_and(char::is_ascii_digit);
        text.push(if number { '\u{2212}' } else { letter });
        last = letter;
    }
    text
}

/// Text for HTML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_filled_in_once_and_escaped() {
        assert_eq!(fill("<{{a}} {{b}} {{c}}>", &[("a", "{{b}}"), ("b", "2")]), "<{{b}} 2 {{c}}>");
        assert_eq!(escape("<a & \"b\">"), "&lt;a &amp; &quot;b&quot;&gt;");
    }
}
