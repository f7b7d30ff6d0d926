package backup

import (
	"strings"
	"testing"
)

func TestADocumentMatchesAStoreOfTheConfigurationOrNone(t *testing.T) {
	stores := []Store{
		{"all", "s3://copies?region=eu-central-1"},
		{"team", "s3://copies/team?region=eu-central-1"},
		{"local", "s3://copies?endpoint=http://127.0.0.1:9000&use_path_style=true"},
		{"google", "gs://copies/kafka"},
		{"azure", "azblob://copies?account=acme"},
		{"azurite", "azblob://copies?account=dev&domain=127.0.0.1:10000&protocol=http"},
	}
	for name, one := range map[string]struct {
		spec        Spec
		store, want string
	}{
		"the bucket":           {Spec{FieldStorage: "s3://copies"}, "all", "s3://copies/?region=eu-central-1"},
		"a prefix":             {Spec{FieldStorage: "s3://copies/other/x"}, "all", "s3://copies/other/x?region=eu-central-1"},
		"the longest prefix":   {Spec{FieldStorage: "s3://copies/team/x"}, "team", "s3://copies/team/x?region=eu-central-1"},
		"no half of a name":    {Spec{FieldStorage: "s3://copies/teamwork"}, "all", "s3://copies/teamwork?region=eu-central-1"},
		"an endpoint":          {Spec{FieldStorage: "s3://copies", "storage.endpoint": "http://127.0.0.1:9000/"}, "local", "s3://copies/?endpoint=http://127.0.0.1:9000&use_path_style=true"},
		"another endpoint":     {Spec{FieldStorage: "s3://copies", "storage.endpoint": "http://10.0.0.1:9000"}, "", ""},
		"its region":           {Spec{FieldStorage: "s3://copies", "storage.region": "eu-central-1"}, "all", "s3://copies/?region=eu-central-1"},
		"another region":       {Spec{FieldStorage: "s3://copies", "storage.region": "us-east-1"}, "", ""},
		"a region there":       {Spec{FieldStorage: "s3://copies", "storage.endpoint": "http://127.0.0.1:9000", "storage.region": "r"}, "local", "s3://copies/?endpoint=http://127.0.0.1:9000&use_path_style=true"},
		"another bucket":       {Spec{FieldStorage: "s3://theirs"}, "", ""},
		"outside the prefix":   {Spec{FieldStorage: "gs://copies/other"}, "", ""},
		"inside the prefix":    {Spec{FieldStorage: "gs://copies/kafka/dev"}, "google", "gs://copies/kafka/dev"},
		"an account":           {Spec{FieldStorage: "azblob://copies/p", "storage.account": "acme"}, "azure", "azblob://copies/p?account=acme"},
		"another account":      {Spec{FieldStorage: "azblob://copies", "storage.account": "evil"}, "", ""},
		"a domain":             {Spec{FieldStorage: "azblob://copies", "storage.account": "dev", "storage.endpoint": "http://127.0.0.1:10000"}, "azurite", "azblob://copies/?account=dev&domain=127.0.0.1:10000&protocol=http"},
		"a claim needs no one": {Spec{FieldStorage: "pvc://claim/sub"}, "pvc", "file:///var/lib/ottla/pvc/claim/sub?create_dir=true"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := PlaceOf(one.spec)
			if err != nil {
				t.Fatal(err)
			}
			store, at, words := FindStore(stores, p, "/var/lib/ottla")
			if store.Name != one.store || at != one.want {
				t.Errorf("got %q at %q (%s), want %q at %q", store.Name, at, words, one.store, one.want)
			}
			if one.store == "" && !strings.Contains(words, "stores: [{name: NAME, url:") {
				t.Errorf("it does not say how it is allowed: %s", words)
			}
			if region := one.spec["storage.region"]; one.store == "" && region != "" && !strings.Contains(words, "?region="+region) {
				t.Errorf("it does not say which region: %s", words)
			}
		})
	}
}

func TestASchedulesZoneAndFieldsAreHeldAgainstCron(t *testing.T) {
	for text, want := range map[string]string{
		"0 2 * * *|":                    "",
		"0 0 2 * * *|Europe/Helsinki":   "",
		"0 0 2 * * ? *|UTC":             "",
		"@daily|":                       "",
		"0 0 2 * * ? 2027|":             "the year, which can only be *",
		"0 2 * * 1|":                    "",
		"0 2 * * 7|":                    "7 is none",
		"0 2 * * 5-7|":                  "7 is none",
		"0 0 2 * * MON|":                "",
		"CRON_TZ=Asia/Tokyo 0 2 * * *|": "its zone stands in timeZone",
		"0 2 * * *|Mars/Olympus":        "is no time zone",
		"0 2 * * *|Local":               "is no time zone",
		"0 2 30 2 *|":                   "no day is ever one of these",
		"at night|":                     "is no schedule",
		" |":                            "is no schedule",
		"61 2 * * *|":                   "is no schedule",
	} {
		schedule, zone, _ := strings.Cut(text, "|")
		_, err := ParseSchedule(schedule, zone)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestAScheduleThatMeansOtherDaysWhereItsKindComesFromIsRefusedNotGuessed(t *testing.T) {
	for schedule, want := range map[string]string{
		"0 2 * * 1":         "", // five fields are cron's everywhere
		"0 0 2 * * *":       "",
		"0 0 2 * * ? *":     "",
		"0 0 2 * * MON":     "",
		"0 0 2 * * mon-FRI": "",
		"0 0 2 * * */2":     "",
		"0 0 2 1 * *":       "",
		"0 0 2 * * 1":       "1 is Sunday where this kind comes from, and Monday to cron",
		"0 0 2 * * 7":       "1 is Sunday",
		"0 0 2 * * 2-6 *":   "in 7 fields",
		"0 0 2 * * MON,4":   "write SUN",
		"0 0 2 * * 1/2":     "write SUN",
		"0 0 2 1 * MON":     "both must fit, and to cron either does",
	} {
		if got := twoMeanings(schedule); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", schedule, got, want)
		}
	}
}
