// Colours of the lines in the reports of the scaling bench and the soak.

export const OWN = '#d9480f';
export const SECOND = '#1c7ed6';
/** What the others are compared with. */
export const PLAIN = '#868e96';
