/** Rules of one component. */
export const rulesMaximum = 50;
/** Components of one campaign that have rules. */
export const componentsMaximum = 50;
