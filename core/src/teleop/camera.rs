//! Which of a robot's cameras are to be shown.

/// The cameras that there are, and those of them that an operator has chosen.
#[derive(Debug, Default)]
pub(super) struct Cameras {
    all: Vec<String>,
    chosen: Vec<String>,
}

impl Cameras {
    /// The first is shown until an operator chooses.
    pub(super) fn new(all: Vec<String>) -> Cameras {
        let chosen = all.first().cloned().into_iter().collect();
        Cameras { all, chosen }
    }

    /// Takes a choice: unknown names are left out, and the first camera is shown if none is left. Answers whether it is
    /// another one than before.
    pub(super) fn choose(&mut self, names: &[String]) -> bool {
        let mut chosen: Vec<String> = Vec::new();
        for name in names.iter().filter(|name| self.all.contains(name)) {
            if !chosen.contains(name) {
                chosen.push(name.clone());
            }
        }
        if chosen.is_empty() {
            chosen.extend(self.all.first().cloned());
        }
        let is_news = chosen != self.chosen;
        self.chosen = chosen;
        is_news
    }

    /// Those that are to be shown.
    pub(super) fn chosen(&self) -> &[String] {
        &self.chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_shown_unless_others_are_chosen() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>();
        let mut cameras = Cameras::new(names(&["front", "rear", "arm"]));
        assert_eq!(cameras.chosen(), ["front"]);
        assert!(cameras.choose(&names(&["rear", "nowhere", "front", "rear"])));
        assert_eq!(cameras.chosen(), ["rear", "front"]);
        assert!(!cameras.choose(&names(&["rear", "front"])));
        assert!(cameras.choose(&names(&["nowhere"])));
        assert_eq!(cameras.chosen(), ["front"]);
        let mut none = Cameras::default();
        assert!(!none.choose(&names(&["front"])) && none.chosen().is_empty());
    }
}
