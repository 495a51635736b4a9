"""An excerpt of the flights' files, written by hand: two days of February, one of July."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

FLIGHTS = """\
year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,flight,tailnum,origin,dest,air_time,distance,hour,minute,time_hour
2013,7,1,2016,1930,46,2240,2200,40,DL,1,N1,JFK,ATL,100,760,19,30,2013-07-01T23:00:00Z
2013,2,8,600,600,0,900,905,-5,DL,2,N1,JFK,ATL,100,760,6,0,2013-02-08T11:00:00Z
2013,2,8,615,600,15,NA,905,NA,B6,3,N9,JFK,SJU,NA,1598,6,0,2013-02-08T11:00:00Z
2013,2,8,,700,,,1000,,B6,4,N2,JFK,ATL,,760,7,0,2013-02-08T12:00:00Z
2013,2,8,755,800,-5,1000,1010,-10,ZZ,5,,LGA,ATL,100,762,8,0,2013-02-08T13:00:00Z
2013,2,9,NA,700,NA,NA,1000,NA,B6,4,N2,JFK,ATL,NA,760,7,0,2013-02-09T12:00:00Z
"""
AIRLINES = "carrier,name\nDL,Delta Air Lines Inc.\nB6,JetBlue Airways\n"
AIRPORTS = (
    "faa,name,lat,lon,alt,tz,dst,tzone\n"
    "ATL,Hartsfield Jackson Atlanta Intl,33.6,-84.4,1026,-5,A,America/New_York\n"
)
PLANES = (
    "tailnum,year,type,manufacturer,model,engines,seats,speed,engine\n"
    "N1,1999,Fixed wing multi engine,BOEING,757-232,2,178,NA,Turbo-fan\n"
    "N9,2011,Fixed wing multi engine,EMBRAER,ERJ 190,2,20,NA,Turbo-fan\n"
)
WEATHER = (
    "origin,year,month,day,hour,temp,dewp,humid,wind_dir,wind_speed,wind_gust,precip,pressure,visib,time_hour\n"
    "JFK,2013,2,8,6,30,20,60,10,10.5,NA,0.1,1012,2.5,2013-02-08T11:00:00Z\n"
    "JFK,2013,2,8,7,30,20,60,10,20.5,NA,0.02,1012,0.25,2013-02-08T12:00:00Z\n"
    "LGA,2013,2,8,8,30,20,60,NA,NA,NA,0,1012,10,2013-02-08T13:00:00Z\n"
)


@pytest.fixture
def excerpt(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    with zipfile.ZipFile(folder / "flights.csv.zip", "w") as archive:
        archive.writestr("flights.csv", FLIGHTS)
    for name, text in (
        ("airlines", AIRLINES),
        ("airports", AIRPORTS),
        ("planes", PLANES),
        ("weather", WEATHER),
    ):
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder
