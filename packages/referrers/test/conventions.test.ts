import { CONVENTIONS } from "@ocilot/referrers";
import { describeConvention } from "@ocilot/testkit";

for (const convention of CONVENTIONS) describeConvention(convention);
