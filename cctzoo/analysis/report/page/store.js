// What is chosen: the weights, block and head of each of the two views, and the label.

// sides: all weights of the page, { title, report, name, blocks }, e.g. the trained weights of a run.
export function makeStore(reports) {
  const several = reports.length > 1;
  const sides = ["trained", "fresh"].flatMap((name) =>
    reports.map((report) => ({
      title: `${several ? `${report.label}: ` : ""}${name === "trained" ? "trained" : "fresh weights"}`,
      report,
      name,
      blocks: report.sides[name],
    })),
  );
  const last = (side) => side.blocks[side.blocks.length - 1].block;
  const views = [sides[0], sides[1]].map((side) => ({ side, block: last(side), head: 0 }));
  const listeners = [];
  const changed = () => listeners.forEach((each) => each());
  const fits = (side, block, head) => blockOf(side, block)?.clusters.length > head;

  return {
    sides,
    views,
    linked: views[0].side.blocks.every(({ block }) =>
      blockOf(views[1].side, block)?.clusters.length === blockOf(views[0].side, block).clusters.length),
    listen: (call) => listeners.push(call),
    // Chooses a head in a view, and in the other one too if both are linked.
    choose(view, block, head) {
      Object.assign(view, { block, head });
      const other = views.find((each) => each !== view);
      if (this.linked && fits(other.side, block, head)) Object.assign(other, { block, head });
      changed();
    },
    // Chooses a head of the trained weights of a report, in the view that shows them.
    chooseIn(report, block, head) {
      const view = views.find(({ side }) => side.report === report && side.name === "trained") ?? views[0];
      view.side = sides.find((side) => side.report === report && side.name === "trained");
      this.choose(view, block, head);
    },
    // Shows other weights in a view; the block and the head stay where they exist.
    show(view, side) {
      view.side = side;
      if (!fits(side, view.block, view.head)) Object.assign(view, { block: last(side), head: 0 });
      changed();
    },
    link(linked) {
      this.linked = linked;
      changed();
    },
  };
}

export function blockOf(side, number) {
  return side.blocks.find((each) => each.block === number);
}
