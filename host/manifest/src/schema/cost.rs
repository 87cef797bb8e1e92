//! How many steps checking a value can take. Catalogue MC-06: a schema of 2 KB whose references form a ladder takes
//! seconds for a value of three bytes.
//!
//! A *step* is one schema applied to one part of a value. Let `C(s, d)` be the most steps that schema `s` causes along
//! any one way from a part of the value down to a part `d` levels below it. Then
//!
//! ```text
//! C(s, d) = 1 + Σ C(t, d)          for every t that s applies to the same part: allOf, anyOf, not, if, $ref, …
//!             + max over ways of Σ C(t, d - 1)   for every t that s applies to the part one level further on that way
//! ```
//!
//! Arguments are at most [`LEVELS`] deep (MC-09), so `C(root, LEVELS)` bounds the steps along each way, and the steps for
//! a whole value are at most that times the number of its parts, which `limits.arguments` bounds. References may go in
//! circles as long as each round goes a level down: a list or a binary tree has one step more for each level, and a
//! schema that refers twice to itself for the same member doubles with each level and is refused. Only a circle on one
//! and the same part would never end; it is refused before this is counted.

/// The deepest value (catalogue MC-09).
const LEVELS: usize = 64;

/// One schema, as far as cost goes: the numbers of the schemas that it applies.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// To the same part.
    pub(super) here: Vec<usize>,
    /// To one member each.
    pub(super) members: Vec<usize>,
    /// To members whose name fits, beside the others.
    pub(super) patterned: Vec<usize>,
    /// To members that no other names.
    pub(super) other_members: Vec<usize>,
    /// To names of members.
    pub(super) names: Vec<usize>,
    /// To one element each.
    pub(super) elements: Vec<usize>,
    /// To elements that no other names.
    pub(super) other_elements: Vec<usize>,
    /// To every element.
    pub(super) every_element: Vec<usize>,
}

/// An order in which each schema comes after those it applies to the same part; or one that is in a circle of them.
pub(super) fn order(nodes: &[Node]) -> Result<Vec<usize>, usize> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        Not,
        Open,
        Done,
    }
    let mut seen = vec![Seen::Not; nodes.len()];
    let mut order = Vec::with_capacity(nodes.len());
    // With a stack of its own: references make chains as long as the file has schemas.
    for start in 0..nodes.len() {
        if seen[start] != Seen::Not {
            continue;
        }
        seen[start] = Seen::Open;
        let mut stack = vec![(start, 0)];
        while let Some((node, next)) = stack.pop() {
            match nodes[node].here.get(next) {
                Some(&target) => {
                    stack.push((node, next + 1));
                    match seen[target] {
                        Seen::Not => {
                            seen[target] = Seen::Open;
                            stack.push((target, 0));
                        }
                        Seen::Open => return Err(target),
                        Seen::Done => {}
                    }
                }
                None => {
                    seen[node] = Seen::Done;
                    order.push(node);
                }
            }
        }
    }
    Ok(order)
}

/// `C(root, LEVELS)`; `u64::MAX` when it is beyond counting.
pub(super) fn cost(nodes: &[Node], order: &[usize], root: usize) -> u64 {
    let mut below = vec![0_u64; nodes.len()];
    for _ in 0..=LEVELS {
        let mut level = vec![0_u64; nodes.len()];
        for &at in order {
            let node = &nodes[at];
            let sum = |targets: &[usize]| targets.iter().fold(0_u64, |sum, &t| sum.saturating_add(below[t]));
            let most = |targets: &[usize]| targets.iter().map(|&t| below[t]).max().unwrap_or(0);
            let member = most(&node.members)
                .max(sum(&node.other_members))
                .saturating_add(sum(&node.patterned))
                .saturating_add(sum(&node.names));
            let element = most(&node.elements).max(sum(&node.other_elements)).saturating_add(sum(&node.every_element));
            level[at] = node
                .here
                .iter()
                .fold(1_u64, |sum, &t| sum.saturating_add(level[t]))
                .saturating_add(member.max(element));
        }
        below = level;
    }
    below[root]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost_of(nodes: &[Node]) -> u64 {
        cost(nodes, &order(nodes).unwrap(), 0)
    }

    #[test]
    fn mc_06_a_ladder_of_references_doubles_with_each_rung() {
        let rungs = 20;
        let mut nodes: Vec<Node> =
            (0..rungs).map(|at| Node { here: vec![at + 1, at + 1], ..Node::default() }).collect();
        nodes.push(Node::default());
        assert_eq!(cost_of(&nodes), (1 << (rungs + 1)) - 1);
    }

    #[test]
    fn mc_06_a_tree_costs_one_step_for_each_level() {
        let tree = Node { members: vec![0, 0], ..Node::default() };
        assert_eq!(cost_of(&[tree]), 65);
        let list = Node { other_elements: vec![0], ..Node::default() };
        assert_eq!(cost_of(&[list]), 65);
    }

    #[test]
    fn mc_06_two_recursions_into_one_member_are_beyond_counting() {
        let nodes = [
            Node { here: vec![1, 2], ..Node::default() },
            Node { members: vec![0], ..Node::default() },
            Node { members: vec![0], ..Node::default() },
        ];
        assert_eq!(cost_of(&nodes), u64::MAX);
    }

    #[test]
    fn mc_06_a_circle_on_the_same_part_has_no_order() {
        let nodes = [Node { here: vec![1], ..Node::default() }, Node { here: vec![0], ..Node::default() }];
        assert!(order(&nodes).is_err());
        let long: Vec<Node> = (0..100_000).map(|at| Node { here: vec![at + 1], ..Node::default() }).collect();
        assert!(order(&[long, vec![Node::default()]].into_iter().flatten().collect::<Vec<_>>()).is_ok());
    }
}
