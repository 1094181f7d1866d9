/// A box that a label or a mark takes up: left, top, right, bottom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) left: i32,
    pub(super) top: i32,
    pub(super) right: i32,
    pub(super) bottom: i32,
}

impl Place {
    /// A box of this size around a point.
    pub(super) fn around((x, y): (i32, i32), wide: i32, high: i32) -> Self {
        Place {
            left: x - wide / 2,
            top: y - high / 2,
            right: x - wide / 2 + wide,
            bottom: y - high / 2 + high,
        }
    }

    pub(super) fn meets(&self, other: &Place) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    pub(super) fn is_within(&self, other: &Place) -> bool {
        self.left >= other.left
            && self.right <= other.right
            && self.top >= other.top
            && self.bottom <= other.bottom
    }
}

/// Moves labels, from the uppermost down, as little apart as it takes for each two to be this far
/// from each other, and none above `first` or below `last`, as far as there is room.
pub(super) fn spread(places: &mut [i32], apart: i32, first: i32, last: i32) {
    let mut free = first;
    for place in places.iter_mut() {
        *place = (*place).max(free);
        free = *place + apart;
    }
    let mut free = last;
    for place in places.iter_mut().rev() {
        *place = (*place).min(free);
        free = *place - apart;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_make_room_for_each_other() {
        let spread = |mut places: [i32; 3]| {
            spread(&mut places, 10, 0, 100);
            places
        };
        assert_eq!(spread([5, 40, 90]), [5, 40, 90]);
        assert_eq!(spread([50, 50, 52]), [50, 60, 70]);
        assert_eq!(spread([95, 96, 97]), [80, 90, 100]);
        assert_eq!(spread([-5, -5, 3]), [0, 10, 20]);
    }

    #[test]
    fn boxes_meet_where_they_overlap() {
        let one = Place::around((10, 10), 4, 4);
        assert!(one.meets(&Place::around((13, 10), 4, 4)));
        assert!(!one.meets(&Place::around((14, 10), 4, 4)));
        assert!(one.is_within(&Place::around((10, 10), 5, 5)));
        assert!(!one.is_within(&Place::around((11, 10), 5, 5)));
    }
}
