// Stands around the example for Node in docs/events.md: what it saves is printed.

const save = async (address, { mayBeMailed }) => console.log(JSON.stringify({ address, mayBeMailed }));

// EXAMPLE
