// The reports service's page links to this file by its name; what it needs is loaded from here.
void import("./mount").then(({ mountShared }) => mountShared());
